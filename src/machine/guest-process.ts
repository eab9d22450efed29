// Owns one program inside a machine from start to exit: its output, input and signals. Never keeps its output.
import type { Readable } from "node:stream";
import { constants } from "node:os";
import { randomUUID } from "node:crypto";
import { PyroError } from "../base/error.js";
import { SignalTarget, type Chunk, type Exit } from "./gen/pyro/guest/v1/guest_pb.js";
import type { GuestSession } from "./guest-session.js";

export interface GuestProgram {
  readonly argv: readonly string[];
  /** The whole environment, as NAME=value. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** Milliseconds until the whole tree is killed; 0 = never. */
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
const deadlineGraceMs = 15_000;

/** Runs a program to its end. Aborting kills its whole tree. A guest that breaks the protocol is an error. */
export async function runGuestProgram(
  session: GuestSession,
  program: GuestProgram,
  signal: AbortSignal,
): Promise<GuestExit> {
  const processId = randomUUID();
  const limit = program.timeoutMs === 0 ? [] : [AbortSignal.timeout(program.timeoutMs + deadlineGraceMs)];
  const until = AbortSignal.any([signal, ...limit]);
  const inputEnds = new AbortController();
  try {
    await startGuestProgram(session, { processId, program }, until);
    program.onStarted?.((name) => sendGuestSignal(session, processId, name));
    const input = pumpGuestInput({ session, processId, stdin: program.stdin }, inputEnds.signal);
    input.catch(() => undefined);
    return await followGuestProgram(session, { processId, output: program.output }, until);
  } catch (error) {
    signal.throwIfAborted();
    if (until.aborted)
      throw new PyroError("deadline_exceeded", "The machine did not report the command's end in time.");
    throw error;
  } finally {
    inputEnds.abort();
    // Best effort: kills what is left of the tree. A machine that is gone took it along.
    void session.processes.release({ processId }, { timeoutMs: 5000 }).catch(() => undefined);
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
      timeoutMs: BigInt(program.timeoutMs),
    },
    { signal },
  );
}

export interface FollowedProgram {
  readonly processId: string;
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
  { processId, from, output }: FollowedProgram,
  signal: AbortSignal,
): Promise<GuestExit> {
  const cursors = { stdout: from?.stdout ?? 0n, stderr: from?.stderr ?? 0n };
  let unacknowledged = 0;
  const acknowledge = () =>
    session.processes.acknowledge(
      { processId, stdoutCursor: cursors.stdout, stderrCursor: cursors.stderr },
      { signal },
    );
  const request = { processId, stdoutCursor: cursors.stdout, stderrCursor: cursors.stderr };
  for await (const { event } of session.processes.follow(request, { signal, timeoutMs: 0 })) {
    if (event.case === "exit") return checkExit(event.value);
    if (event.case === undefined) continue;
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
    throw new PyroError("internal", "The machine sent output out of order; it can no longer be trusted.");
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
    // A program may leave its input unread for as long as it likes.
    session.processes.writeInput({ processId, offset, data, end }, { signal, timeoutMs: 0 });
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

/** Best effort: a program that has ended needs no signal. */
export function sendGuestSignal(session: GuestSession, processId: string, name: string): void {
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (number === undefined) return;
  void session.processes.signal({ processId, signal: number, target: SignalTarget.GROUP }).catch(() => undefined);
}
