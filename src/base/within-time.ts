// Owns ending work that takes longer than it may. Never ends it in any other way than by its signal.
import { PyroError } from "./error.js";

export interface TimeLimit {
  readonly ms: number;
  /** For the message, such as `Reading /project`. */
  readonly what: string;
  readonly hint: string;
}

/** The work's signal is aborted when the caller's is or when the time is over; then the error says which. */
export async function withinTime<Result>(
  signal: AbortSignal,
  { ms, what, hint }: TimeLimit,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  const late = new PyroError("deadline_exceeded", `${what} took longer than ${Math.round(ms / 1000)} s.`, { hint });
  const timer = setTimeout(() => over.abort(late), ms);
  try {
    return await work(AbortSignal.any([signal, over.signal]));
  } catch (error) {
    throw over.signal.aborted && !signal.aborted ? late : error;
  } finally {
    clearTimeout(timer);
  }
}
