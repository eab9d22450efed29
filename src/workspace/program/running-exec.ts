// Owns what can be asked of a command that runs, or that has left something running. Never follows it.
import type { ExecEnd } from "../record/exec-end.js";
import type { ExecStarted } from "../record/journal.js";

export interface RunningExec {
  readonly started: ExecStarted;
  /** As the journal has it; never rejects. */
  readonly ended: Promise<ExecEnd>;
  /** Kills its whole tree. */
  cancel(): void;
  outputBytes(): number;
}

/** Of a command that has ended. */
export interface BackgroundExec {
  /** When nothing of it is left, or nobody follows it any more; never rejects. */
  readonly ended: Promise<void>;
  /** What it prints from now on is dropped. */
  letGo(): void;
}
