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
  /** What the steps are, where they are something to count. */
  readonly things?: "files" | "packages";
  /** Bytes behind the steps so far, for how fast they come. */
  readonly bytes?: number;
}

export type Progress = (event: ProgressEvent) => void;

/** Such as `Unpacking · 12.0 of 80.5 MB (14 %)` or `Copying node_modules · 2,100 of 6,569 files`. */
export function progressText({ message, done, total, unit, things }: ProgressEvent): string {
  if (done === undefined) return message;
  const format = unit === "bytes" ? megabytes : (value: number) => value.toLocaleString("en-US");
  const suffix = unit === "bytes" ? " MB" : things === undefined ? "" : ` ${things}`;
  if (total === undefined || total <= 0) return `${message} · ${format(done)}${suffix}`;
  const part = things === undefined ? ` (${Math.min(100, Math.floor((done / total) * 100))} %)` : "";
  return `${message} · ${format(done)} of ${format(total)}${suffix}${part}`;
}

/** How many of the event's bytes there are, where it counts any. */
export function bytesDone({ unit, done, bytes }: ProgressEvent): number | undefined {
  return bytes ?? (unit === "bytes" ? done : undefined);
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

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
