// Owns saying what happened, to whoever keeps a log in this process: the daemon. Never keeps or prints it.
import { channel } from "node:diagnostics_channel";
import { currentCall } from "./call-scope.js";
import { PyroError } from "./error.js";

/** What listeners of `reportChannel` get. */
export interface Report {
  /** A few words, such as `machine started`. */
  readonly event: string;
  /** The call that it belongs to, where it belongs to one. */
  readonly call?: string;
  /** What went wrong. */
  readonly fault?: Fault;
  readonly [field: string]: unknown;
}

/** An error and what it came from, as text. */
export interface Fault {
  readonly message: string;
  /** Of pyro's own errors. */
  readonly code?: string;
  readonly stack: string;
  readonly cause?: Fault;
}

export const reportChannel = "pyro:report";

/** Errors that are followed down a chain of causes; one can lead back to itself. */
const maxCauses = 8;

/** Costs nothing while nobody listens. Never give it what a caller wrote, a command or a file's content: it is kept. */
export function report(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const listeners = channel(reportChannel);
  if (!listeners.hasSubscribers) return;
  const call = currentCall();
  listeners.publish({ event, ...(call === undefined ? {} : { call }), ...fields } satisfies Report);
}

/** The same for what failed. */
export function reportFault(event: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
  report(event, { ...fields, fault: faultOf(error) });
}

/** The event with which a listener gives all that it has kept of a machine, as a flight recorder does. */
export const flightEvent = "machine in trouble";

/** Before the machine is ended: what is to be looked at later. The console's end is the guest's, and hostile. */
export function reportFlight(machine: string, why: string, consoleTail = ""): void {
  report(flightEvent, { machine, why, console: consoleTail.slice(-maxConsoleLength) });
}

const maxConsoleLength = 8 * 1024;

export function faultOf(error: unknown, depth = 1): Fault {
  if (!(error instanceof Error)) return { message: String(error), stack: "" };
  const code = error instanceof PyroError ? { code: error.code } : {};
  const from = depth < maxCauses && error.cause !== undefined ? { cause: faultOf(error.cause, depth + 1) } : {};
  return { message: error.message, ...code, stack: framesOf(error), ...from };
}

/** Without the message, which it begins with. */
function framesOf({ stack = "" }: Error): string {
  const lines = stack.split("\n").map((line) => line.trim());
  return lines.filter((line) => line.startsWith("at ")).join("\n");
}
