// Owns what an audit finds, and what it looks at. Never looks.
import type { Paths } from "../../base/paths.js";
import type { HostProcess, ProcessTable } from "./process-table.js";

export const thingKinds = ["process", "lock", "socket", "folder", "file"] as const;

export interface Thing {
  readonly kind: (typeof thingKinds)[number];
  /** A path, or a process's number and program. */
  readonly what: string;
  /** Undefined where nobody will remove it. */
  readonly owner: string | undefined;
  /** What to do about one without an owner. */
  readonly fix: string;
}

export interface Ground {
  readonly paths: Paths;
  readonly processes: ProcessTable;
  /** The one that runs. */
  readonly daemon: HostProcess | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export const daemonOwner = ({ daemon }: Ground): string | undefined => daemon && `the daemon, process ${daemon.pid}`;
