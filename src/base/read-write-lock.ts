// Owns letting many readers or one writer through, in the order in which they came. Never times out by itself.

interface Waiting {
  readonly exclusive: boolean;
  admit(): void;
}

export class ReadWriteLock {
  readonly #queue: Waiting[] = [];
  #readers = 0;
  #writing = false;

  /** Runs `work` beside other shared work. Aborting only ends the wait. */
  shared<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    return this.#run({ exclusive: false, signal }, work);
  }

  /** Runs `work` alone. Aborting only ends the wait. */
  exclusive<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    return this.#run({ exclusive: true, signal }, work);
  }

  async #run<Result>(
    { exclusive, signal }: { readonly exclusive: boolean; readonly signal: AbortSignal },
    work: () => Promise<Result>,
  ): Promise<Result> {
    await this.#enter(exclusive, signal);
    try {
      return await work();
    } finally {
      if (exclusive) this.#writing = false;
      else this.#readers -= 1;
      this.#admitNext();
    }
  }

  #enter(exclusive: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason as Error);
        this.#admitNext();
      };
      const waiting: Waiting = {
        exclusive,
        admit: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(waiting);
      this.#admitNext();
    });
  }

  #admitNext(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#writing || (next.exclusive && this.#readers > 0)) return;
      this.#queue.shift();
      if (next.exclusive) this.#writing = true;
      else this.#readers += 1;
      next.admit();
    }
  }
}
