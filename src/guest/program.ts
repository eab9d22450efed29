// Owns one program inside a machine from start to exit: its output, input and signals. Never keeps its output.
import type { Readable } from "node:stream";
import { constants } from "node:os";
import { randomUUID } from "node:crypto";
import { PyroError } from "../base/error.js";
import { guestFault } from "../base/guest-fault.js";
import { SignalTarget, type Chunk, type Exit } from "./gen/pyro/guest/v1/guest_pb.js";
import type { GuestSession } from "./session.js";
import type { Bound } from "./time.js";

export interface GuestProgram {
  readonly argv: readonly string[];
  /** The whole environment, as NAME=value. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** Milliseconds until the whole tree is killed; at least 1. */
  readonly timeoutMs: number;
  readonly stdin?: Readable | undefined;
  /** Gets each chunk in order; the next one waits for it. */
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
  /** Is told once how to send a signal by name. */
  onStarted?(signalByName: (name: string) => void): void;
}

export interface GuestExit {
  readonly exitCode: number;
  readonly timedOut: boolean;
  readonly oomKilled: boolean;
  readonly durationMs: number;
}

/** Exit code of a command whose time ran out, as `timeout(1)` gives. */
const timedOutExitCode = 124;
/** Bytes after which the guest is told that output is safe; well under its 4 MiB bound. */
const acknowledgeBytes = 512 * 1024;
const maxChunkBytes = 65_536;
const maxInputBytes = 262_144;
/** Milliseconds that the guest has beyond its own deadline before the host stops believing it. */
const deadlineGraceMs = 30_000;
/** Milliseconds of quiet after which the agent is asked for a heartbeat, and without one after which it is given up. */
const heartbeatMs = 10_000;
const quietMs = 120_000;
/** Milliseconds that one piece of input may wait for its reader, before the same is sent again. */
const inputMs = 60_000;
/** For what is not waited for. */
const bestEffort = { bound: { totalMs: 5000 } } as const;

/** Runs a program to its end. Aborting kills its whole tree. A guest that breaks the protocol is an error. */
export async function runGuestProgram(
  session: GuestSession,
  program: GuestProgram,
  signal: AbortSignal,
): Promise<GuestExit> {
  const processId = randomUUID();
  const inputEnds = new AbortController();
  try {
    await startGuestProgram(session, { processId, program }, signal);
    program.onStarted?.((name) => sendGuestSignal(session, processId, name));
    const input = pumpGuestInput({ session, processId, stdin: program.stdin }, inputEnds.signal);
    input.catch(() => undefined);
    const { timeoutMs, output } = program;
    return await followGuestProgram(session, { processId, timeoutMs, output }, signal);
  } finally {
    inputEnds.abort();
    // Best effort: kills what is left of the tree. A machine that is gone took it along.
    void session.processes.release({ processId }, bestEffort).catch(() => undefined);
  }
}

export interface StartedProgram {
  /** 1 to 64 characters of [a-z0-9_-]; the same id again starts nothing new. */
  readonly processId: string;
  readonly program: Omit<GuestProgram, "output" | "onStarted">;
}

/** Starts a program, which then runs whether or not anybody follows it. */
export async function startGuestProgram(
  session: GuestSession,
  { processId, program }: StartedProgram,
  signal: AbortSignal,
): Promise<void> {
  await session.processes.start(
    {
      processId,
      argv: [...program.argv],
      env: [...program.env],
      cwd: program.cwd,
      stdin: program.stdin !== undefined,
      timeoutMs: BigInt(Math.max(1, program.timeoutMs)),
    },
    { signal },
  );
}

export interface FollowedProgram {
  readonly processId: string;
  /** Milliseconds after which the guest has to have killed it; not believed for long after that. */
  readonly timeoutMs: number;
  /** Bytes of each stream that are safe already; 0 when absent. */
  readonly from?: OutputCursors;
  /** Gets each chunk in order; the next one waits for it. What it has resolved for is safe. */
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
}

export interface OutputCursors {
  readonly stdout: bigint;
  readonly stderr: bigint;
}

/** Follows a started program to its end, from where an earlier follower left off. */
export async function followGuestProgram(
  session: GuestSession,
  { processId, timeoutMs, from, output }: FollowedProgram,
  signal: AbortSignal,
): Promise<GuestExit> {
  const cursors = { stdout: from?.stdout ?? 0n, stderr: from?.stderr ?? 0n };
  let unacknowledged = 0;
  const acknowledge = () =>
    session.processes.acknowledge(
      { processId, stdoutCursor: cursors.stdout, stderrCursor: cursors.stderr },
      { signal },
    );
  const request = {
    ...{ processId, stdoutCursor: cursors.stdout, stderrCursor: cursors.stderr },
    heartbeatMs: session.heartbeats ? heartbeatMs : 0,
  };
  for await (const { event } of session.processes.follow(request, { signal, bound: followBound(session, timeoutMs) })) {
    if (event.case === "exit") return checkExit(event.value);
    if (event.case === undefined || event.case === "heartbeat") continue;
    const chunk = checkChunk(event.value, cursors[event.case]);
    await output(event.case, chunk);
    cursors[event.case] += BigInt(chunk.length);
    unacknowledged += chunk.length;
    if (unacknowledged < acknowledgeBytes) continue;
    unacknowledged = 0;
    await acknowledge();
  }
  throw new PyroError("unavailable", "The machine stopped reporting before the command's end.");
}

/** An agent without heartbeats may be silent as long as the program may run. */
function followBound({ heartbeats }: GuestSession, timeoutMs: number): Bound {
  const totalMs = timeoutMs + deadlineGraceMs;
  return { quietMs: heartbeats ? quietMs : totalMs, totalMs };
}

function checkExit({ exitCode, timedOut, oomKilled, durationNanos }: Exit): GuestExit {
  return {
    exitCode: timedOut ? timedOutExitCode : exitCode & 0xff,
    timedOut,
    oomKilled,
    durationMs: Number(durationNanos / 1_000_000n),
  };
}

function checkChunk(chunk: Chunk, cursor: bigint): Uint8Array {
  if (chunk.offset !== cursor || chunk.data.length === 0 || chunk.data.length > maxChunkBytes) {
    throw guestFault("The machine sent output out of order; it can no longer be trusted.");
  }
  return chunk.data;
}

export interface GuestInput {
  readonly session: GuestSession;
  readonly processId: string;
  readonly stdin: Readable | undefined;
}

/** Passes standard input on, in its own time, until it ends or nobody reads it any more. */
export async function pumpGuestInput({ session, processId, stdin }: GuestInput, signal: AbortSignal): Promise<void> {
  if (stdin === undefined) return;
  let offset = 0n;
  const write = (data: Uint8Array<ArrayBuffer>, end: boolean) =>
    takenInput(session, { processId, offset, data, end }, signal);
  const onAbort = () => void stdin.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  for await (const piece of stdin) {
    const bytes = Uint8Array.from(piece as Buffer);
    for (let at = 0; at < bytes.length; at += maxInputBytes) {
      const part = bytes.slice(at, at + maxInputBytes);
      const { closed } = await write(part, false);
      if (closed) return;
      offset += BigInt(part.length);
    }
  }
  await write(new Uint8Array(), true);
}

/** A program may leave its input unread for as long as it likes: what was taken is not taken twice. */
async function takenInput(
  session: GuestSession,
  input: { processId: string; offset: bigint; data: Uint8Array<ArrayBuffer>; end: boolean },
  signal: AbortSignal,
) {
  for (;;) {
    try {
      return await session.processes.writeInput(input, { signal, bound: { totalMs: inputMs } });
    } catch (error) {
      if (!(error instanceof PyroError) || error.code !== "deadline_exceeded") throw error;
      signal.throwIfAborted();
    }
  }
}

/** Best effort: a program that has ended needs no signal. */
export function sendGuestSignal(session: GuestSession, processId: string, name: string): void {
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (number === undefined) return;
  void session.processes.signal({ processId, signal: number, target: SignalTarget.GROUP }).catch(() => undefined);
}
