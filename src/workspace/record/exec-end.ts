// Owns how the end of a command stands in the journal, and is read back from it. Never writes it.
import { notExited, viewOfOutcome, type Outcome } from "../../process/outcome.js";
import type { JournalLine, NewJournalLine } from "./journal.js";

export interface ExecEnd {
  readonly outcome: Outcome;
  /** Bytes of its output that were not kept. */
  readonly droppedBytes: number;
}

/** Of a command whose end nobody saw, since its machine went away. */
export const lostExec: ExecEnd = { outcome: notExited("lost", 0), droppedBytes: 0 };

/** In the order in which they are to be written: what is known of an end counts only once the end itself is there. */
export function execEndLines(sequence: number, { outcome, droppedBytes }: ExecEnd): readonly NewJournalLine[] {
  const { state: _, signal, ...rest } = viewOfOutcome(outcome);
  return [
    ...(signal === null ? [] : [{ type: "exec_signaled" as const, sequence, signal }]),
    { type: "exec_ended", sequence, ...rest, dropped_bytes: droppedBytes },
  ];
}

/** By sequence; of a command that has not ended there is none. */
export function execEnds(lines: readonly JournalLine[]): ReadonlyMap<number, ExecEnd> {
  const signals = new Map<number, string>();
  const ends = new Map<number, ExecEnd>();
  for (const line of lines) {
    if (line.type === "exec_signaled") signals.set(line.sequence, line.signal);
    if (line.type !== "exec_ended") continue;
    const isLost = line.exit_code === null;
    const outcome: Outcome = {
      state: isLost ? "lost" : "exited",
      exitCode: line.exit_code,
      signal: isLost ? null : (signals.get(line.sequence) ?? null),
      timedOut: line.timed_out,
      oomKilled: line.oom_killed,
      canceled: line.canceled,
      durationMs: line.duration_ms,
    };
    ends.set(line.sequence, { outcome, droppedBytes: line.dropped_bytes });
  }
  return ends;
}
