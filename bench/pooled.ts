// Owns waiting for the pool. Never fills it: a pool that gave up stays empty.
import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds after which a pool that is still empty has given up; the busiest host has needed 15,000. */
const longestMs = 60_000;
const betweenMs = 5;

/** Resolves when `ready` says that at least one machine is; rejects when it has not after a minute. */
export async function untilPooled(ready: () => number | Promise<number>): Promise<void> {
  const deadline = performance.now() + longestMs;
  while ((await ready()) === 0) {
    if (performance.now() > deadline) throw new Error(`no machine was ready in the pool after ${longestMs / 1000} s`);
    await delay(betweenMs);
  }
}
