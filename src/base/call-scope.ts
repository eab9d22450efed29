// Owns which call the work at hand belongs to, without handing that through every function. Never knows what a call is.
import { AsyncLocalStorage } from "node:async_hooks";

const scope = new AsyncLocalStorage<string | undefined>();

/** Whatever `work` starts belongs to this call, timers and what runs on after its end included. */
export function inCall<Result>(id: string, work: () => Result): Result {
  return scope.run(id, work);
}

/** For work that a call only sets off, and that is everybody's. */
export function outsideCalls<Result>(work: () => Result): Result {
  return scope.run(undefined, work);
}

export function currentCall(): string | undefined {
  return scope.getStore();
}
