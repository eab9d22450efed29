// Owns what can be found about a host, and which findings there are. Never examines anything.
import type { Severity } from "../base/severity.js";
import type { ConfigPlace, HostName } from "./host.js";

/** Every code, in the order of their sections in docs/troubleshooting.md. */
export const hostFindingCodes = [
  "host_not_installed",
  "host_not_connected",
  "host_config",
  "host_ignored",
  "host_drifted",
  "host_disabled",
  "host_shadowed",
  "host_untrusted",
  "host_start",
  "host_tools",
  "host_connected",
] as const;
export type HostFindingCode = (typeof hostFindingCodes)[number];

export interface HostFinding {
  readonly code: HostFindingCode;
  readonly host: HostName;
  /** The host's. */
  readonly title: string;
  /** `error`: the host has no tools of ours. `warning`: not those, or not as it should be. */
  readonly severity: Severity;
  readonly text: string;
  readonly fix: string | null;
}

export const hostStates = ["not_installed", "not_connected", "connected", "drifted"] as const;
export type HostState = (typeof hostStates)[number];

export interface HostExamination {
  readonly host: HostName;
  readonly state: HostState;
  /** Where the entry is that counts. */
  readonly scope: ConfigPlace["scope"] | null;
  readonly file: string | null;
  /** From the server's start to its list of tools; null when it gave none. */
  readonly milliseconds: number | null;
  readonly findings: readonly HostFinding[];
}
