// Owns getting from a machine's spec to an agent that answers, within a deadline. Never tells the guest who it is.
import { setTimeout as delay } from "node:timers/promises";
import { PyroError, asPyroError } from "../base/error.js";
import { reportFlight } from "../base/report.js";
import { call, say } from "../base/say.js";
import { stageDone } from "../base/stage.js";
import type { Engine, Machine, MachineSpec } from "../engine/engine.js";
import { abilitiesOf, guestProtocolVersion, openGuestSession, type GuestSession } from "../guest/session.js";

export interface AnsweringMachine {
  readonly machine: Machine;
  readonly session: GuestSession;
}

export interface Boot {
  readonly engine: Engine;
  readonly spec: MachineSpec;
  /** Milliseconds until it must have answered. */
  readonly timeoutMs: number;
}

/** Starts the machine and waits for its agent. One that misses the deadline is killed; the error has its console's tail. */
export async function bootMachine({ engine, spec, timeoutMs }: Boot, caller: AbortSignal): Promise<AnsweringMachine> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([caller, timeout]);
  let machine: Machine | undefined;
  try {
    machine = await engine.start(spec, signal);
    if (spec.origin.from === "saved") await machine.resume();
    return { machine, session: await greet(machine, signal) };
  } catch (error) {
    const tail = caller.aborted ? "" : await lastWords(spec.id, machine, asPyroError(error).message);
    await machine?.kill();
    caller.throwIfAborted();
    if (!timeout.aborted) throw error;
    throw new PyroError("deadline_exceeded", bootFailure(timeoutMs, tail), {
      hint: say`Call again; if it repeats, ${call("doctor")} tells what is wrong.`,
      cause: error,
    });
  }
}

/** Opens a session and checks that both sides speak the same version. */
export async function greet(
  machine: Pick<Machine, "id" | "channel" | "pausedReason">,
  signal: AbortSignal,
): Promise<GuestSession> {
  const isPaused = () => machine.pausedReason() !== undefined;
  const session = await openGuestSession({ id: machine.id, channel: await machine.channel(signal), isPaused }, signal);
  stageDone(machine.id, "preface echoed");
  const hello = await session.machine.hello({}, { signal }).catch((error: unknown) => {
    session[Symbol.dispose]();
    throw error;
  });
  stageDone(machine.id, "hello answered");
  if (hello.protocolVersion === guestProtocolVersion) {
    return { ...session, abilities: abilitiesOf(hello.capabilities) };
  }
  session[Symbol.dispose]();
  const versions = `${hello.protocolVersion}, not ${guestProtocolVersion}`;
  throw new PyroError("failed_precondition", `The guest agent speaks protocol version ${versions}.`, {
    hint: "Run `make build` in a checkout, or install pyro-mcp again.",
  });
}

/** Milliseconds for the console's end; what runs the machine may be what hangs. */
const consoleTimeoutMs = 1000;

/** The console's end, which also goes to the log with all that is known of the machine. */
export async function lastWords(
  id: string,
  machine: Pick<Machine, "consoleTail"> | undefined,
  why: string,
): Promise<string> {
  const asked = machine?.consoleTail().catch(() => "") ?? "";
  const tail = await Promise.race([asked, delay(consoleTimeoutMs, "", { ref: false })]);
  reportFlight(id, why, tail);
  return tail;
}

function bootFailure(timeoutMs: number, tail: string): string {
  const printable = tail.replaceAll(/[^\x20-\x7e\n]/gu, "").trim();
  const lines = printable.split("\n").slice(-8).join("\n");
  return `The machine did not answer within ${timeoutMs / 1000} s. Its console's end:\n${lines || "(nothing)"}`;
}
