// Owns what can be asked of a command that runs. Never follows it.
import type { ExecEnded, ExecStarted } from "../record/journal.js";

export interface RunningExec {
  readonly started: ExecStarted;
  /** Its end as the journal has it; never rejects. */
  readonly ended: Promise<ExecEnded>;
  /** Kills its whole tree. */
  cancel(): void;
  outputBytes(): number;
}
