// Owns how a program ended: its one declaration, and the same as results spell it. Never learns it.
import * as z from "zod";

export interface Outcome {
  /** `lost`: its machine went away before anybody knew of its end. */
  readonly state: "running" | "exited" | "lost";
  /** 0 to 255; 124 when its time ran out, 128 + n when signal n ended it. Null unless it has exited. */
  readonly exitCode: number | null;
  /** Name of the signal that ended it, such as KILL; null where none did. */
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** The kernel killed something of its tree for lack of memory. */
  readonly oomKilled: boolean;
  /** Its caller had it killed. */
  readonly canceled: boolean;
  readonly durationMs: number;
}

/** Of a program that was followed to its end. */
export type Exited = Outcome & { readonly state: "exited"; readonly exitCode: number; readonly canceled: false };

/** Exit code of a program whose time ran out, as `timeout(1)` gives. */
export const timedOutExitCode = 124;

const codes = `0 to 255; ${timedOutExitCode} when it timed out, 128 + n when signal n ended it`;

/**
 * As results have it, wherever a program ran. What has a default was not said by earlier daemons, which a client of this
 * code uses as they are while they are busy.
 */
export const outcomeView = z.object({
  state: z.enum(["running", "exited", "lost"]).describe("`lost`: its machine went away before it ended."),
  exit_code: z.int().nullable().describe(`${codes}; null unless it has exited.`),
  signal: z
    .string()
    .nullable()
    .default(null)
    .describe("Name of the signal that ended it, such as KILL; null where none did."),
  timed_out: z.boolean(),
  oom_killed: z.boolean().describe("The guest's kernel killed it, or a child of it, for lack of memory."),
  canceled: z.boolean(),
  duration_ms: z.int(),
});

/** Of a program that is waited for to its end. */
export const exitedView = outcomeView.extend({
  state: z.literal("exited").default("exited").describe("Always: the call waits for the end."),
  exit_code: z.int().describe(`${codes}.`),
  canceled: z.literal(false).default(false).describe("A command that is canceled has no result."),
});

export type OutcomeView = z.output<typeof outcomeView>;
export type ExitedView = z.output<typeof exitedView>;

export function viewOfOutcome(outcome: Exited): ExitedView;
export function viewOfOutcome(outcome: Outcome): OutcomeView;
export function viewOfOutcome(outcome: Outcome) {
  return {
    state: outcome.state,
    exit_code: outcome.exitCode,
    signal: outcome.signal,
    timed_out: outcome.timedOut,
    oom_killed: outcome.oomKilled,
    canceled: outcome.canceled,
    duration_ms: outcome.durationMs,
  };
}

/** Of a program that has not ended, or whose end nobody saw. */
export function notExited(state: "running" | "lost", durationMs: number): Outcome {
  return { state, exitCode: null, signal: null, timedOut: false, oomKilled: false, canceled: false, durationMs };
}

/** Why it ended as it did, in words; none where its exit code says it all. A signal that was ours is not named beside its cause. */
export function reasonsOf({ signal, timed_out, oom_killed, canceled }: Omit<OutcomeView, "state">): readonly string[] {
  return [
    ...(timed_out ? ["timed out"] : []),
    ...(oom_killed ? ["out of memory"] : []),
    ...(canceled ? ["canceled"] : []),
    ...(signal === null || timed_out || canceled ? [] : [`ended by signal ${signal}`]),
  ];
}
