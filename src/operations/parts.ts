// Owns the list of what handlers may call, in the daemon and in the caller's process. Never implements any of it.
import type { ChatHosts } from "../chat-host/chat-hosts.js";
import type { Doctor } from "../doctor/doctor.js";
import type { EnvironmentStore } from "../environment/environment.js";
import type { Preparation } from "../preparation/preparation.js";
import type { Workspaces } from "../workspace/workspaces.js";
import type { OneShot } from "../one-shot/one-shot.js";

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  readonly socket: string;
  /** RFC 3339. */
  readonly started_at: string;
  readonly running_calls: number;
  readonly running_machines: number;
  readonly pooled_machines: number;
  /** What its machines run on; `none` where nothing works. */
  readonly engine: string;
  readonly accelerator: string;
}

export interface DaemonControl {
  status(): DaemonStatus;
  /** Ends the daemon; resolves when nothing of it is left but the current answer. */
  stop(): Promise<void>;
}

/** What a user attaches to a report of a fault. */
export interface ReportFile extends AsyncDisposable {
  /** Writes what is known, and what `examination` found. */
  write(examination: unknown, signal: AbortSignal): Promise<void>;
}

export interface AuditedThing {
  readonly kind: string;
  /** A path, or a process's number and program. */
  readonly what: string;
  readonly owner: string | undefined;
  /** What to do where there is no owner. */
  readonly fix: string;
}

/** An entry has a time, an event, and what belongs to that. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** At most so many entries, the last ones; of one call where one is named. */
export interface LogQuery {
  readonly lines: number;
  readonly call?: string | undefined;
}

/** Readable whether a daemon runs or not. */
export interface DaemonLog {
  read(query: LogQuery): Promise<readonly LogEntry[]>;
  /** Hands on the last entries and every later one, until `signal` is aborted. */
  follow(query: LogQuery, signal: AbortSignal, take: (entries: readonly LogEntry[]) => Promise<void>): Promise<void>;
  /** The end of what its process printed by itself. */
  stderr(): Promise<string>;
}

/** What operations use that run in the daemon. */
export interface DaemonParts {
  readonly environments: EnvironmentStore;
  readonly oneShot: OneShot;
  readonly workspaces: Workspaces;
  readonly preparation: Preparation;
  readonly daemon: DaemonControl;
}

/** What operations use that run in the caller's process. */
export interface CallerParts {
  readonly doctor: Doctor;
  readonly chatHosts: ChatHosts;
  readonly daemonLog: DaemonLog;
  /** Makes the file; refuses a name that is taken. Disposed of before it is written, the file goes. */
  openReport(path: string): Promise<ReportFile>;
  /** All that pyro has on this host; what has no owner is a fault. */
  audit(signal: AbortSignal): Promise<readonly AuditedThing[]>;
  /** Resolves once the daemon is gone; true when one was running. */
  stopDaemon(signal: AbortSignal): Promise<boolean>;
}
