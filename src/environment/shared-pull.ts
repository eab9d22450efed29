// Owns sharing one installation between its callers, and letting it go on when they leave. Never installs by itself.
import type { Progress, ProgressEvent } from "../base/progress.js";
import type { EnvironmentStore, PullResult } from "./environment.js";

interface Job {
  readonly result: Promise<PullResult>;
  readonly listeners: Set<Progress>;
  readonly stop: AbortController;
  /** What was said last, for a caller that joins. */
  readonly last: () => ProgressEvent | undefined;
  /** Somebody wanted it to go on without them. */
  lingers: boolean;
}

/** The same store, whose pulls end when their last caller leaves, unless one that left asked for it to linger. */
export function sharePulls(store: EnvironmentStore, shutdown: AbortSignal): EnvironmentStore {
  const jobs = new Map<string, Job>();
  const begin = (name: string): Job => {
    const stop = new AbortController();
    const listeners = new Set<Progress>();
    let last: ProgressEvent | undefined;
    const progress: Progress = (event) => {
      last = event;
      for (const listener of listeners) listener(event);
    };
    const result = store.pull(name, { signal: AbortSignal.any([shutdown, stop.signal]), progress });
    const job: Job = { result, listeners, stop, last: () => last, lingers: false };
    jobs.set(name, job);
    const forget = () => {
      if (jobs.get(name) === job) jobs.delete(name);
    };
    result.then(forget, forget);
    return job;
  };
  const join = (name: string): Job => {
    const running = jobs.get(name);
    return running === undefined || running.stop.signal.aborted ? begin(name) : running;
  };
  return {
    ...store,
    async pull(name, { signal, progress, linger }) {
      signal.throwIfAborted();
      const job = join(name);
      const last = job.last();
      if (last !== undefined) progress(last);
      const listener: Progress = (event) => progress(event);
      job.listeners.add(listener);
      try {
        return await orLeave(job.result, signal);
      } finally {
        job.listeners.delete(listener);
        if (signal.aborted) job.lingers ||= linger === true;
        if (signal.aborted && job.listeners.size === 0 && !job.lingers) job.stop.abort(signal.reason);
      }
    },
  };
}

async function orLeave<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const over = new AbortController();
  const left = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([result, left]);
  } finally {
    over.abort();
  }
}
