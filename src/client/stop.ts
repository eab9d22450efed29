// Owns stopping the daemon of this user from outside: it is stopped when it is gone, with its record and socket. Never starts one.
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { PyroError } from "../base/error.js";
import { tryLockFile } from "../base/lock.js";
import { preparePaths, type Paths } from "../base/paths.js";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../base/process-identity.js";
import { callDaemon } from "./call.js";
import { answers } from "./connect.js";
import { daemonLockPath, daemonRecordPath, daemonSocketPath, readDaemonRecord } from "../daemon/record.js";

/** Milliseconds for a daemon to end by itself, more than it gives itself, before it is killed: its machines live on. */
const patienceMs = 45_000;
/** Milliseconds for a daemon that was killed. */
const killedMs = 5000;
const lookEveryMs = 50;

/** True when one was running. A daemon that is only starting is stopped as well. */
export async function stopDaemon(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<boolean> {
  const paths = preparePaths(env);
  const patience = AbortSignal.timeout(patienceMs);
  let asked: ProcessIdentity | undefined;
  let wasRunning = false;
  for (;;) {
    signal.throwIfAborted();
    const record = await readDaemonRecord(paths);
    const socket = record?.socket ?? daemonSocketPath(paths);
    if (record !== undefined) asked ??= await daemonProcess(record.pid);
    if (!patience.aborted && (await answers(socket))) {
      wasRunning = true;
      await askToStop(socket, AbortSignal.any([signal, patience]));
      signal.throwIfAborted();
    }
    if (await clearRemains(paths, signal)) return wasRunning;
    if (patience.aborted) return killDaemon(paths, asked, signal);
    await delay(lookEveryMs, undefined, { signal });
  }
}

/** Fine when it goes before it has answered. */
async function askToStop(socket: string, signal: AbortSignal): Promise<void> {
  await callDaemon(socket, { name: "daemon_stop", input: {} }, { signal }).catch(() => undefined);
}

/** The process, where it is a daemon of pyro. */
async function daemonProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  const isDaemon = argv.some((word, at) => word === "daemon" && argv[at + 1] === "serve");
  return isDaemon ? identifyProcess(pid) : undefined;
}

/** True once no daemon has the lock, and what one that was killed has left is gone. */
async function clearRemains(paths: Paths, signal: AbortSignal): Promise<boolean> {
  await using lock = await tryLockFile(daemonLockPath(paths), signal);
  if (lock === undefined) return false;
  await rm(daemonRecordPath(paths), { force: true });
  await rm(daemonSocketPath(paths), { force: true });
  return true;
}

async function killDaemon(paths: Paths, daemon: ProcessIdentity | undefined, signal: AbortSignal): Promise<boolean> {
  if (daemon !== undefined && (await isSameProcess(daemon))) process.kill(daemon.pid, "SIGKILL");
  const until = performance.now() + killedMs;
  while (performance.now() < until) {
    if (await clearRemains(paths, signal)) return true;
    await delay(lookEveryMs, undefined, { signal });
  }
  throw new PyroError("deadline_exceeded", "The pyro daemon does not end.", {
    hint: `Kill the process that has ${daemonLockPath(paths)} open (\`fuser\` names it); its machines live on.`,
  });
}
