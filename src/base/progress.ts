// Owns the shape in which work that takes over a second says how far it is. Never prints.

export interface ProgressEvent {
  /** Stable short name of the phase, such as `download`. */
  readonly phase: string;
  /** One line for a person. */
  readonly message: string;
  /** How much is done, in `unit`s. */
  readonly done?: number;
  /** How much there is, in `unit`s; absent when unknown. */
  readonly total?: number;
  readonly unit?: "bytes" | "steps";
}

export type Progress = (event: ProgressEvent) => void;

/** Tells a caller that from now on signals reach the guest's program. */
export const commandStarted = { phase: "command", message: "Running the command" } as const satisfies ProgressEvent;

/** The phase of what a person should read in any case, once, as a line of its own. */
export const noticePhase = "notice";

export const notice = (message: string): ProgressEvent => ({ phase: noticePhase, message });

/** What every long operation takes: how to stop it, and where to say how far it is. */
export interface Task {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** True: work that others can use too goes on when `signal` is aborted. */
  readonly linger?: boolean;
}
