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

/** What every long operation takes: how to stop it, and where to say how far it is. */
export interface Task {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}
