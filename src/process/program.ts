// Owns one program inside a machine from start to exit: its output, input and signals. Never keeps its output.
import type { Readable } from "node:stream";
import { randomUUID } from "node:crypto";
import { PyroError } from "../base/error.js";
import { guestFault } from "../base/guest-fault.js";
import type { Chunk, Exit } from "../guest/gen/pyro/guest/v1/guest_pb.js";
import type { GuestSession } from "../guest/session.js";
import { killTree, signalGroup } from "../guest/signal.js";
import type { Bound } from "../guest/time.js";
import { pumpGuestInput } from "./input.js";
import { timedOutExitCode, type Exited } from "./outcome.js";
import { signalName, signalNumber } from "./signal-name.js";

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

/** Bytes after which the guest is told that output is safe; well under its 4 MiB bound. */
const acknowledgeBytes = 512 * 1024;
const maxChunkBytes = 65_536;
/** Milliseconds that the guest has beyond its own deadline before the host stops believing it. */
const deadlineGraceMs = 30_000;
/** Milliseconds of quiet after which the agent is asked for a heartbeat, and without one after which it is given up. */
const heartbeatMs = 10_000;
const quietMs = 120_000;
/** For what is not waited for. */
const bestEffort = { bound: { totalMs: 5000 } } as const;

/** Runs a program to its end. Aborting kills its whole tree. A guest that breaks the protocol is an error. */
export async function runGuestProgram(
  session: GuestSession,
  program: GuestProgram,
  signal: AbortSignal,
): Promise<Exited> {
  const processId = randomUUID();
  const inputEnds = new AbortController();
  try {
    await startGuestProgram(session, { processId, program }, signal);
    program.onStarted?.((name) => sendGuestSignal(session, processId, name));
    const input = pumpGuestInput({ session, processId, stdin: program.stdin }, inputEnds.signal);
    input.catch(() => undefined);
    const { timeoutMs, output } = program;
    return (await followGuestProgram(session, { processId, timeoutMs, output }, signal)).exited;
  } finally {
    inputEnds.abort();
    releaseGuestProgram(session, { processId, leaveRunning: false });
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
  readonly from?: { readonly stdout: bigint; readonly stderr: bigint };
  /** Gets each chunk in order; the next one waits for it. What it has resolved for is safe. */
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
}

export interface OutputCursors {
  readonly stdout: bigint;
  readonly stderr: bigint;
}

export interface Followed {
  readonly exited: Exited;
  /** When it exited, something that it had started still ran, whose output the agent keeps; one of an earlier version does not say. */
  readonly background: boolean;
}

/** Follows a started program to its end, from where an earlier follower left off. */
export async function followGuestProgram(
  session: GuestSession,
  { timeoutMs, ...followed }: FollowedProgram,
  signal: AbortSignal,
): Promise<Followed> {
  const stream = { ...followed, rest: false, bound: followBound(session, timeoutMs) };
  const exit = await follow(session, stream, signal);
  if (exit === undefined) throw new PyroError("unavailable", "The machine stopped reporting before the command's end.");
  return { exited: checkExit(exit), background: exit.background && session.abilities.keepsBackground };
}

/** Follows what an ended program has left in the background, until nothing of it is left. */
export async function followGuestRest(
  session: GuestSession,
  followed: Omit<FollowedProgram, "timeoutMs">,
  signal: AbortSignal,
): Promise<void> {
  await follow(session, { ...followed, rest: true, bound: { quietMs } }, signal);
}

interface FollowStream extends Omit<FollowedProgram, "timeoutMs"> {
  /** Not only to the exit. */
  readonly rest: boolean;
  readonly bound: Bound;
}

async function follow(
  session: GuestSession,
  { processId, from, output, rest, bound }: FollowStream,
  signal: AbortSignal,
): Promise<Exit | undefined> {
  const cursors = { stdout: from?.stdout ?? 0n, stderr: from?.stderr ?? 0n };
  let unacknowledged = 0;
  const acknowledge = () =>
    session.processes.acknowledge(
      { processId, stdoutCursor: cursors.stdout, stderrCursor: cursors.stderr },
      { signal },
    );
  const request = {
    processId,
    stdoutCursor: cursors.stdout,
    stderrCursor: cursors.stderr,
    rest,
    heartbeatMs: session.abilities.heartbeats ? heartbeatMs : 0,
  };
  let exit: Exit | undefined;
  for await (const { event } of session.processes.follow(request, { signal, bound })) {
    if (event.case === "exit") exit = event.value;
    if (event.case === "exit" && !rest) break;
    if (event.case !== "stdout" && event.case !== "stderr") continue;
    const chunk = checkChunk(event.value, cursors[event.case]);
    await output(event.case, chunk);
    cursors[event.case] += BigInt(chunk.length);
    unacknowledged += chunk.length;
    if (unacknowledged < acknowledgeBytes) continue;
    unacknowledged = 0;
    await acknowledge();
  }
  return exit;
}

/** An agent without heartbeats may be silent as long as the program may run. */
function followBound({ abilities }: GuestSession, timeoutMs: number): Bound {
  const totalMs = timeoutMs + deadlineGraceMs;
  return { quietMs: abilities.heartbeats ? quietMs : totalMs, totalMs };
}

function checkExit({ exitCode, signal, timedOut, oomKilled, durationNanos }: Exit): Exited {
  return {
    state: "exited",
    exitCode: timedOut ? timedOutExitCode : exitCode & 0xff,
    signal: signalName(signal),
    timedOut,
    oomKilled,
    canceled: false,
    durationMs: Number(durationNanos / 1_000_000n),
  };
}

function checkChunk(chunk: Chunk, cursor: bigint): Uint8Array {
  if (chunk.offset !== cursor || chunk.data.length === 0 || chunk.data.length > maxChunkBytes) {
    throw guestFault("The machine sent output out of order; it can no longer be trusted.");
  }
  return chunk.data;
}

/** Best effort: a program that has ended needs no signal. */
export function sendGuestSignal(session: GuestSession, processId: string, name: string): void {
  const signal = signalNumber(name);
  if (signal === undefined) return;
  void signalGroup(session, { processId, signal }).catch(() => undefined);
}

/** Best effort: kills its whole tree. */
export function killGuestProgram(session: GuestSession, processId: string): void {
  void killTree(session, processId, bestEffort).catch(() => undefined);
}

export interface ReleasedProgram {
  readonly processId: string;
  /** What an ended program left in the background goes on, as after any shell; else it is killed. */
  readonly leaveRunning: boolean;
}

/** Best effort: a machine that is gone took everything along. */
export function releaseGuestProgram(session: GuestSession, released: ReleasedProgram): void {
  void session.processes.release(released, bestEffort).catch(() => undefined);
}
