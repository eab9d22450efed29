// Owns the list of what handlers may call. Never implements any of it.
import type { EnvironmentStore } from "../environment/environment.js";
import type { OneShot } from "../machine/one-shot.js";

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  readonly socket: string;
  /** RFC 3339. */
  readonly started_at: string;
  readonly running_calls: number;
  readonly running_machines: number;
}

export interface DaemonControl {
  status(): DaemonStatus;
  /** Ends the daemon once the current answer is out. */
  stop(): void;
}

export interface Services {
  readonly environments: EnvironmentStore;
  readonly oneShot: OneShot;
  readonly daemon: DaemonControl;
}
