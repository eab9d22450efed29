// Owns locks between processes, which end with their holder. Never steals one.
import { once } from "node:events";
import { readdir, readlink, realpath } from "node:fs/promises";
import { startChild } from "./child-process.js";

/**
 * Takes an exclusive lock on `path` (made when missing), waiting for as long as `signal` allows.
 * A child (`flock … cat`) holds it, so that it is free again whenever this process ends, however it ends.
 */
export async function lockFile(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const lock = await holdLock(path, [], signal);
  if (lock === undefined) throw new Error(`flock gave up on ${path}.`);
  return lock;
}

/** The same without waiting: undefined when somebody else has it. */
export async function tryLockFile(path: string, signal: AbortSignal): Promise<AsyncDisposable | undefined> {
  return holdLock(path, ["--nonblock"], signal);
}

/** Whether this process has the file open, as one that `flock --no-fork` has started with it as its lock. */
export async function hasOpen(path: string): Promise<boolean> {
  const wanted = await realpath(path).catch(() => undefined);
  const open = await readdir("/proc/self/fd");
  const files = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => undefined)));
  return wanted !== undefined && files.includes(wanted);
}

const takenExitCode = 75;

async function holdLock(
  path: string,
  flags: readonly string[],
  signal: AbortSignal,
): Promise<AsyncDisposable | undefined> {
  signal.throwIfAborted();
  const conflict = ["--conflict-exit-code", String(takenExitCode)];
  const command = ["flock", "--exclusive", ...conflict, ...flags, path, "sh", "-c", "echo locked && exec cat"];
  const holder = startChild({ command, env: process.env });
  holder.stderr.resume();
  const release = async (): Promise<void> => {
    holder.stdin.end();
    await holder.closed.catch(() => undefined);
  };
  // Only the wait is aborted: a lock once taken is held until it is released.
  signal.addEventListener("abort", holder.endGroup, { once: true });
  const ended = holder.closed.then(({ code }) => code);
  const outcome = await Promise.race([once(holder.stdout, "data").then(() => "locked" as const), ended]).finally(() =>
    signal.removeEventListener("abort", holder.endGroup),
  );
  if (signal.aborted) await release();
  signal.throwIfAborted();
  if (outcome === "locked") return { [Symbol.asyncDispose]: release };
  if (outcome === takenExitCode) return undefined;
  throw new Error(`flock ended early with ${String(outcome)} for ${path}.`);
}
