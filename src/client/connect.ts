// Owns finding the daemon of this user and starting one when there is none. Never runs inside the daemon.
import { once } from "node:events";
import { open, truncate, stat } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { PyroError } from "../base/error.js";
import { gitWishOf } from "../base/git-wish.js";
import { preparePaths, type Paths } from "../base/paths.js";
import { call, say } from "../base/say.js";
import { buildId, version } from "../base/version.js";
import { CallNotBegun, callDaemon, errorOf, requestHandOver, type CallOptions } from "./call.js";
import { daemonProtocolVersion, errorLine } from "../daemon/protocol.js";
import {
  daemonLockPath,
  daemonSocketPath,
  daemonStderrPath,
  readDaemonRecord,
  type DaemonRecord,
} from "../daemon/record.js";

export interface DaemonConnection {
  readonly socketPath: string;
  call(name: string, input: unknown, options?: CallOptions): Promise<unknown>;
}

export interface ConnectOptions {
  /** The environment to take PYRO_HOME and the like from. */
  readonly env?: NodeJS.ProcessEnv;
  /** What node runs to become the daemon: script and arguments. */
  readonly command: readonly string[];
}

/** Milliseconds that a daemon has to start, or an old one to end. */
const startTimeoutMs = 20_000;
/** Milliseconds after which a daemon that has the lock but no readable record is asked to make way. */
const recordGraceMs = 2000;
/** Exit code by which flock says that somebody else holds the lock. */
const lockedExitCode = 75;
/** How often one call is made, where each time the daemon goes away before it begins; one that was killed takes its time to be gone. */
const maxTries = 10;
const retryMs = 100;
const maxStderrBytes = 1024 * 1024;

/** Variables that the daemon gets besides PATH; everything else of the caller stays behind. */
const passedOn = [
  "HOME",
  "USER",
  "PYRO_HOME",
  "PYRO_ENVIRONMENT_CACHE_DIR",
  "PYRO_ENGINE",
  "PYRO_ACCELERATOR",
  "PYRO_IDLE_SECONDS",
  "PYRO_DEBIAN_MIRROR",
  "PYRO_DEBUG",
  "PYRO_DIE_AT",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "SSL_CERT_FILE",
];
const daemonPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Connects to the running daemon of this version, starting it where needed. */
export function connectDaemon(options: ConnectOptions): Promise<DaemonConnection> {
  return connectAgain(options, maxTries);
}

async function connectAgain(options: ConnectOptions, triesLeft: number): Promise<DaemonConnection> {
  const paths = preparePaths(options.env);
  const until = performance.now() + startTimeoutMs;
  let lockedSince: number | undefined;
  while (performance.now() < until) {
    const open = await openRunning(paths);
    const running = open?.record;
    if (open !== undefined && isOurs(open.record)) return ownConnection(open, options, triesLeft - 1);
    open?.socket.destroy();
    if (running !== undefined) {
      if (await makesWay(running, until)) continue;
      // It is busy with calls of its own code; ours are the same as long as both speak the same lines.
      if (running.protocol === daemonProtocolVersion) return connection(running.socket, callerOf(options.env));
      throw new PyroError("unavailable", `A daemon of pyro ${running.version} is busy and speaks another protocol.`, {
        hint: say`Wait for its calls to end, or end it by ${call("daemon_stop")}.`,
      });
    }
    if (await start(paths, options)) continue;
    lockedSince ??= performance.now();
    if (performance.now() - lockedSince > recordGraceMs) await requestHandOver(daemonSocketPath(paths), true);
    await delay(20);
  }
  throw new PyroError("unavailable", `The pyro daemon did not start within ${startTimeoutMs / 1000} s.`, {
    hint: say`${call("daemon_log")} shows how far it came.`,
  });
}

/** The running daemon, of whatever version, or undefined. Starts nothing. */
export async function findDaemon(env?: NodeJS.ProcessEnv): Promise<DaemonConnection | undefined> {
  const paths = preparePaths(env);
  // The record can be lost or garbled while its daemon lives on.
  const socketPath = (await findRunning(paths))?.socket ?? daemonSocketPath(paths);
  return (await answers(socketPath)) ? connection(socketPath, agentOf(env)) : undefined;
}

/** Unbundled code takes a daemon of any build. */
export function isOurs(record: DaemonRecord): boolean {
  return record.version === version ? record.build === buildId : buildId === "source";
}

function connection(socketPath: string, caller: CallOptions): DaemonConnection {
  return {
    socketPath,
    call: (name, input, options) => callDaemon(socketPath, { name, input }, { ...caller, ...options }),
  };
}

/** A call that has not begun when its daemon goes away is made to the next one. */
function ownConnection({ record, socket }: OpenDaemon, options: ConnectOptions, triesLeft: number): DaemonConnection {
  let unused: Socket | undefined = socket;
  return {
    socketPath: record.socket,
    call: async (name, input, given) => {
      const over = unused?.destroyed === false ? unused.ref() : undefined;
      unused = undefined;
      try {
        const call = { name, input, over, saysBegin: true };
        return await callDaemon(record.socket, call, { ...callerOf(options.env), ...given });
      } catch (error) {
        if (!(error instanceof CallNotBegun) || triesLeft === 0) throw error;
        await delay(retryMs, undefined, { signal: given?.signal });
        const next = await connectAgain(options, triesLeft);
        return next.call(name, input, given);
      }
    },
  };
}

/** The daemon outlives agents, and may have been started where there was none. */
function agentOf(env = process.env): Pick<CallOptions, "sshAgent"> {
  return { sshAgent: env["SSH_AUTH_SOCK"] };
}

/** For a daemon that speaks our lines: of the caller, not of whoever started it. */
function callerOf(env = process.env): Pick<CallOptions, "sshAgent" | "hostGit"> {
  return { ...agentOf(env), hostGit: gitWishOf(env) };
}

/** What the daemon that answers says of itself; undefined when none does. */
export async function findRunning(paths: Paths): Promise<DaemonRecord | undefined> {
  const open = await openRunning(paths);
  open?.socket.destroy();
  return open?.record;
}

interface OpenDaemon {
  readonly record: DaemonRecord;
  readonly socket: Socket;
}

async function openRunning(paths: Paths): Promise<OpenDaemon | undefined> {
  const record = await readDaemonRecord(paths);
  const socket = record === undefined ? undefined : await connectTo(record.socket);
  return record === undefined || socket === undefined ? undefined : { record, socket };
}

/** Whether somebody listens there. */
export async function answers(socketPath: string): Promise<boolean> {
  const socket = await connectTo(socketPath);
  socket?.destroy();
  return socket !== undefined;
}

/** A connection that keeps no process alive until it is used; undefined where nobody listens. */
async function connectTo(socketPath: string): Promise<Socket | undefined> {
  const socket = createConnection(socketPath);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(5000) });
    // The daemon may end before the first call, which then makes a connection of its own.
    return socket.on("error", () => undefined).unref();
  } catch {
    socket.destroy();
    return undefined;
  }
}

/** Asks a daemon of other code to make way; its machines live on. False when it is in the middle of calls. */
async function makesWay(old: DaemonRecord, until: number): Promise<boolean> {
  if (!(await requestHandOver(old.socket))) return false;
  while (performance.now() < until && (await answers(old.socket))) await delay(20);
  return true;
}

/** True once a new daemon is ready; false when another one has the lock. */
async function start(paths: Paths, options: ConnectOptions): Promise<boolean> {
  // Only for a start: most commands find a daemon.
  const { startOffspring } = await import("../base/child-process.js");
  const env = options.env ?? process.env;
  await using stderr = await openStderr(daemonStderrPath(paths));
  const lock = ["flock", "--nonblock", "--no-fork", "-E", String(lockedExitCode), daemonLockPath(paths)];
  const daemon = startOffspring({
    command: [...lock, process.execPath, ...options.command],
    cwd: "/",
    env: { ...Object.fromEntries(passedOn.map((name) => [name, env[name]])), PATH: daemonPath },
    stderr: stderr.fd,
  });
  let said = "";
  const ready = new Promise<"ready">((resolve) => {
    daemon.stdout.setEncoding("utf8").on("data", (data: string) => {
      said += data;
      if (said === "ready\n") resolve("ready");
    });
  });
  const ended = daemon.closed.then(({ code }) => code);
  const first = await Promise.race([ready, ended]).catch((error: unknown) => {
    throw new PyroError("unavailable", "The pyro daemon could not be started.", {
      hint: "Install util-linux (flock) and call again.",
      cause: error,
    });
  });
  daemon.letGo();
  if (first === "ready") return true;
  if (first === lockedExitCode && said === "") return false;
  throw (
    startFailure(said) ??
    new PyroError("unavailable", `The pyro daemon ended at once (exit ${String(first)}).`, {
      hint: say`${call("daemon_log")} shows how far it came.`,
    })
  );
}

/** What the daemon itself had to say, such as that its settings are wrong. */
function startFailure(said: string): PyroError | undefined {
  try {
    return errorOf(errorLine.parse(JSON.parse(said)));
  } catch {
    return undefined;
  }
}

async function openStderr(path: string) {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxStderrBytes) await truncate(path);
  return open(path, "a", 0o600);
}
