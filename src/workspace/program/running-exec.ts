// Owns what can be asked of a command that runs. Never follows it.
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
