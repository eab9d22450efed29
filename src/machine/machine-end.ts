// Owns saying why work with a machine broke off when the machine itself has gone. Never ends one.
import { setTimeout as delay } from "node:timers/promises";
import { PyroError, asPyroError } from "../base/error.js";
import { call, either, field, say } from "../base/say.js";
import { lastWords } from "./boot.js";
import type { Machine } from "../engine/engine.js";

export interface BrokenWork {
  readonly machine: Pick<Machine, "id" | "consoleTail" | "exited">;
  /** Unix milliseconds at which the machine was to be removed; a clock that was set makes the words wrong, not the end. */
  readonly deadlineMs: number;
  readonly error: unknown;
}

/** Milliseconds that the end of a machine may take to be known, after the connection to it has broken. */
const noticeMs = 3000;

/** The error to give the caller: the machine's end where it has ended, else what went wrong in it. */
export async function explainBrokenWork({ machine, deadlineMs, error }: BrokenWork): Promise<PyroError> {
  await reportTrouble(machine, error);
  if (error instanceof PyroError && error.code !== "unavailable") return error;
  const exit = await Promise.race([machine.exited, delay(noticeMs, undefined, { ref: false })]);
  if (exit === undefined || Date.now() >= deadlineMs) return explainBrokenStart({ deadlineMs, error });
  return new PyroError("unavailable", `The machine ended in the middle of the command: ${exit.reason}.`, {
    hint: say`Call again in a new machine; if it repeats, ${call("doctor")} tells what is wrong.`,
    cause: error,
  });
}

/** Gives the log what is known of a machine in which work broke off by no fault of whoever asked for it. */
export async function reportTrouble(machine: Pick<Machine, "id" | "consoleTail">, error: unknown): Promise<void> {
  const { code, message } = asPyroError(error);
  if (code === "unavailable" || code === "deadline_exceeded" || code === "internal") {
    await lastWords(machine.id, machine, message);
  }
}

/** The same for a machine that is not the caller's yet. */
export function explainBrokenStart({ deadlineMs, error }: Omit<BrokenWork, "machine">): PyroError {
  if (Date.now() < deadlineMs) return asPyroError(error);
  return new PyroError("deadline_exceeded", "The machine had reached its time to live and was removed.", {
    hint: say`Call again${either(say`, with a larger ${field("vm_run", "ttl_seconds")} where the command needs it`)}.`,
    cause: error,
  });
}
