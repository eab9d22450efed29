// Owns the shape of build/bench.json. Never fills it.
import type { HostDescription } from "./host.js";
import type { Profile, Row } from "./row.js";

export interface Result {
  readonly format: 1;
  /** RFC 3339. */
  readonly started_at: string;
  readonly seconds: number;
  readonly host: HostDescription;
  readonly warnings: readonly string[];
  readonly rows: readonly Row[];
  readonly profiles: readonly Profile[];
}
