// Owns how long a guest may take, in time that counts: not while its machine is paused, nor while the host slept. Never reads a clock of its own.
import { PyroError } from "../base/error.js";

/** What every guest call has. There is no number for "never". */
export type Bound =
  /** Milliseconds in all, at most half an hour. */
  | { readonly totalMs: number }
  /** Milliseconds without a message of the guest while one is waited for; for streams that may go on for long. */
  | { readonly quietMs: number; readonly totalMs?: number };

/** Calls `tick` every now and then with the milliseconds since the last time, until what it returns is called. */
export type Ticks = (tick: (elapsedMs: number) => void) => () => void;

export interface GuestTime {
  /** Aborts `over` when the bound is used up. */
  watch(bound: Bound, over: AbortController): Watch;
}

export interface Watch extends Disposable {
  /** The guest said something. */
  heard(): void;
  /** Whether the guest is waited for; else the caller is busy with what it said, which is not the guest's silence. */
  waiting(isWaiting: boolean): void;
  /** How often the clock has ticked. */
  ticks(): number;
}

export const longestTotalMs = 30 * 60_000;

/** What one tick may count: a host that slept or stood still has not waited for the guest. */
const longestTickMs = 2000;
const tickEveryMs = 500;

/** By a clock that neither jumps nor runs while the host sleeps. */
export const hostTicks: Ticks = (tick) => {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    tick(now - last);
    last = now;
  }, tickEveryMs);
  timer.unref();
  return () => clearInterval(timer);
};

/** Ticks only while something is watched. */
export function openGuestTime(ticks: Ticks, isPaused: () => boolean): GuestTime {
  const watched = new Set<Counting>();
  let stop: (() => void) | undefined;
  const tick = (elapsedMs: number) => {
    if (isPaused()) return;
    for (const each of [...watched]) each.count(Math.min(elapsedMs, longestTickMs));
  };
  return {
    watch: (bound, over) => {
      const counting = new Counting(checked(bound), over);
      watched.add(counting);
      stop ??= ticks(tick);
      const dispose = () => {
        watched.delete(counting);
        if (watched.size > 0) return;
        stop?.();
        stop = undefined;
      };
      return {
        heard: () => counting.heard(),
        waiting: (isWaiting) => counting.waiting(isWaiting),
        ticks: () => counting.ticks,
        [Symbol.dispose]: dispose,
      };
    },
  };
}

class Counting {
  readonly #quietMs: number;
  readonly #over: AbortController;
  ticks = 0;
  #quietLeft: number;
  #totalLeft: number;
  #isWaiting = true;
  #heardSinceTick = false;

  constructor(bound: Bound, over: AbortController) {
    this.#quietMs = "quietMs" in bound ? bound.quietMs : Number.POSITIVE_INFINITY;
    this.#quietLeft = this.#quietMs;
    this.#totalLeft = bound.totalMs ?? Number.POSITIVE_INFINITY;
    this.#over = over;
  }

  heard(): void {
    this.#quietLeft = this.#quietMs;
    this.#heardSinceTick = true;
  }

  waiting(isWaiting: boolean): void {
    this.#isWaiting = isWaiting;
  }

  count(elapsedMs: number): void {
    // A reader that holds everything up is no fault of the guest; one that is kept busy by it is.
    if (this.#isWaiting || this.#heardSinceTick) this.#totalLeft -= elapsedMs;
    if (this.#isWaiting && !this.#heardSinceTick) this.#quietLeft -= elapsedMs;
    this.#heardSinceTick = false;
    this.ticks += 1;
    if (this.#quietLeft <= 0 || this.#totalLeft <= 0) this.#over.abort(outOfTime());
  }
}

function checked(bound: Bound): Bound {
  const mostMs = "quietMs" in bound ? Number.MAX_SAFE_INTEGER : longestTotalMs;
  const total = bound.totalMs ?? 1;
  const quiet = "quietMs" in bound ? bound.quietMs : 1;
  if (total > 0 && total <= mostMs && quiet > 0 && quiet <= Math.max(longestTotalMs, total)) return bound;
  throw new PyroError("internal", `A guest call was given an impossible bound: ${JSON.stringify(bound)}.`);
}

function outOfTime(): PyroError {
  return new PyroError("deadline_exceeded", "The machine did not answer in time.", {
    hint: "Call again; if it repeats, reset or delete what runs there.",
  });
}
