// Owns what Ctrl-C and its like do: the guest's program gets the first one, the second cancels. Never exits.
import type { EventEmitter } from "node:events";
import { PyroError, asPyroError } from "../../base/error.js";
import { CommandFailure, interruptNames, interrupted, type InterruptName } from "./exit.js";

export type SendSignal = (name: "INT" | "TERM" | "HUP" | "QUIT") => void;

export interface Interrupts extends Disposable {
  /** Aborted by the interrupt that was not forwarded. */
  readonly signal: AbortSignal;
  /** Which one aborted. */
  canceledBy(): InterruptName | undefined;
  /** From now on the first interrupt goes to the guest's program. */
  forwardTo(send: SendSignal): void;
}

const guestNames = { SIGHUP: "HUP", SIGINT: "INT", SIGTERM: "TERM" } as const;

/** Runs `work`; when an interrupt cancels it, it fails with the exit code that shells give the signal. */
export async function interruptible(work: (interrupts: Interrupts) => Promise<number>): Promise<number> {
  using interrupts = watchInterrupts(process);
  try {
    return await work(interrupts);
  } catch (error) {
    const by = interrupts.canceledBy();
    if (by === undefined) throw error;
    throw new CommandFailure(interrupted(by), error instanceof CommandFailure ? error.error : asPyroError(error));
  }
}

export function watchInterrupts(process: EventEmitter): Interrupts {
  const controller = new AbortController();
  let forward: SendSignal | undefined;
  let by: InterruptName | undefined;
  const listeners = interruptNames.map((name) => {
    const listener = () => {
      const send = forward;
      forward = undefined;
      if (send !== undefined) return send(guestNames[name]);
      by ??= name;
      controller.abort(new PyroError("canceled", `Canceled by ${name}.`));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return {
    signal: controller.signal,
    canceledBy: () => by,
    forwardTo: (send) => {
      forward = send;
    },
    [Symbol.dispose]: () => {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}
