// Owns the daemon's process: what it opens at its start, when it ends, what it leaves. Never handles a call.
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { removeDrafts, writeJsonAtomic } from "../base/atomic-file.js";
import { PyroError } from "../base/error.js";
import { hasOpen, tryLockFile } from "../base/lock.js";
import { preparePaths, type Paths } from "../base/paths.js";
import { report, reportFault } from "../base/report.js";
import { call, say } from "../base/say.js";
import { readSettings, type Settings } from "../base/settings.js";
import { buildId, version } from "../base/version.js";
import { adopters } from "../engine/adopters.js";
import type { Engine } from "../engine/engine.js";
import { sharePulls } from "../environment/shared-pull.js";
import { openMachineHost, type MachineHost, type MachineHostOptions } from "../machine/machine-host.js";
import { oneShot } from "../one-shot/one-shot.js";
import { openPreparation } from "../preparation/preparation.js";
import { openSandboxHost } from "../one-shot/sandbox-host.js";
import { hostEngine } from "./host-engine.js";
import { openHostEnvironments } from "./host-environments.js";
import { daemonProtocolVersion } from "./protocol.js";
import { keepLog } from "./log.js";
import {
  daemonLockPath,
  daemonLogPath,
  daemonRecordPath,
  readDaemonRecord,
  daemonSocketPath,
  type DaemonRecord,
} from "./record.js";
import { listen, type DaemonServer } from "./server.js";
import { openDaemonWorkspaces, type DaemonWorkspaces } from "./workspaces.js";

/** Milliseconds without a call or a machine after which the daemon ends. */
const defaultIdleMs = 15 * 60_000;
/** The same where no machine can start: the next call has a new daemon look again. */
const unusableIdleMs = 1000;
/** Milliseconds for measuring the host, once, the boot that proves KVM included. */
const engineTimeoutMs = 18_000;
/** Milliseconds that a cold boot may take, under emulation on a busy machine. */
const bootTimeoutMs = 45_000;
/** Milliseconds that a restore may take, likewise. */
const restoreTimeoutMs = 15_000;

const lockTimeoutMs = 5000;
/** Milliseconds after which nobody writes a draft any more. */
const oldDraftMs = 60_000;
/** Milliseconds for closing: more than each of its parts takes. */
const closeTimeoutMs = 30_000;

/** Runs until it is told to stop or has been idle; `onReady` is called once. There is one for each state folder. */
export async function runDaemon(onReady: () => void): Promise<void> {
  process.umask(0o077);
  const paths = preparePaths();
  await using _ = await onlyOne(paths);
  using _log = keepLog({ path: daemonLogPath(paths), debug: process.env["PYRO_DEBUG"] });
  try {
    await serveUntilStopped(paths, onReady);
    report("daemon ended");
  } catch (error) {
    reportFault("daemon failed", error);
    throw error;
  }
}

async function serveUntilStopped(paths: Paths, onReady: () => void): Promise<void> {
  const began = performance.now();
  await removeOldDrafts(paths);
  const settings = await readSettings(paths.settings);
  const self = { pid: process.pid, version, socket: daemonSocketPath(paths), started_at: new Date().toISOString() };
  const stop = new AbortController();
  const closed = settable();
  const environments = sharePulls(openHostEnvironments(paths, process.env), stop.signal);
  const host = hostEngine(paths, settings);
  const engine = await host.open(AbortSignal.timeout(engineTimeoutMs));
  const machines = await openMachines({ engine, judgeAgain: host.openAgain }, paths, settings);
  const unusable = engine.unusable;
  const workspaces = await openDaemonWorkspaces({ paths, environments, machines, unusable, shutdown: stop.signal });
  const parts = { environments, machines, cache: paths.cache, workspaces: workspaces.offered };
  const preparation = await openPreparation(parts);
  const idle = idleTimer(idleMs(engine), () => {
    // A machine that was kept ends by itself; look again later.
    if (machines.count() === 0) stop.abort();
    else idle(false);
  });
  // Before anybody is answered: a daemon that answers and has no record counts as one that lost it, and is asked to make way.
  const record = { ...self, build: buildId, protocol: daemonProtocolVersion } satisfies DaemonRecord;
  await writeJsonAtomic(daemonRecordPath(paths), record);
  const server = await listen({
    socketPath: self.socket,
    onActivity: () => idle(server.running() > 0),
    isRecorded: async () => (await readDaemonRecord(paths).catch(() => undefined))?.pid === self.pid,
    onHandOver: () => stop.abort(),
    parts: {
      environments,
      oneShot: oneShot({ environments, machines, sandboxes: openSandboxHost(paths), engine }),
      workspaces: workspaces.offered,
      preparation,
      daemon: {
        status: () => ({
          ...self,
          running_calls: server.running() - 1,
          running_machines: machines.count(),
          pooled_machines: machines.pooled(),
          ...runsOn(machines),
        }),
        stop: () => {
          stop.abort();
          return closed.promise;
        },
      },
    },
  });
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => stop.abort());
  idle(server.running() > 0);
  report("daemon started", { ...aboutDaemon(engine), ms: Math.round(performance.now() - began) });
  sayReady(onReady);
  await aborted(stop.signal);
  await closeParts({ paths, server, workspaces, machines });
  closed.resolve();
  await server.close();
}

/** Of daemons that were killed, and of commands that share the cache: theirs may be at work. */
async function removeOldDrafts({ state, cache }: Paths): Promise<void> {
  await removeDrafts(state, { olderThanMs: 0 });
  for (const folder of [cache, join(cache, "prepared")]) await removeDrafts(folder, { olderThanMs: oldDraftMs });
}

function runsOn(machines: MachineHost): { readonly engine: string; readonly accelerator: string } {
  const { name, accelerator } = machines.engine();
  return { engine: name, accelerator };
}

function aboutDaemon({ name, accelerator, unusable, fasterFails }: Engine) {
  const versions = { version, build: buildId, node: process.version, pid: process.pid };
  return { ...versions, engine: name, accelerator, unusable: unusable?.message, slower: fasterFails };
}

interface Parts {
  readonly paths: Paths;
  readonly server: DaemonServer;
  readonly workspaces: DaemonWorkspaces;
  readonly machines: MachineHost;
}

async function closeParts({ paths, server, workspaces, machines }: Parts): Promise<void> {
  endAtLast();
  await rm(daemonRecordPath(paths), { force: true });
  await server.endCalls();
  workspaces.close();
  await machines.close().catch((error: unknown) => reportFault("machines not closed", error));
}

/** Whoever started it may have gone. */
function sayReady(onReady: () => void): void {
  process.stdout.on("error", () => undefined);
  process.stdout.write("ready\n");
  onReady();
}

/** Also where that was before anybody waited. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** The lock of the state folder: from who started this process, or taken now. */
async function onlyOne(paths: Paths): Promise<AsyncDisposable | undefined> {
  const path = daemonLockPath(paths);
  if (await hasOpen(path)) return undefined;
  const lock = await tryLockFile(path, AbortSignal.timeout(lockTimeoutMs));
  if (lock !== undefined) return lock;
  throw new PyroError("already_exists", "A pyro daemon of this user is running already.", {
    hint: say`Commands find it by themselves; ${call("daemon_stop")} ends it.`,
  });
}

/** Whatever holds up the end: the next daemon takes over, or removes, what is left. */
function endAtLast(): void {
  const end = () => {
    report("daemon ended", { why: `it did not close within ${closeTimeoutMs / 1000} s` });
    process.exit(1);
  };
  setTimeout(end, closeTimeoutMs).unref();
}

function openMachines(
  engine: Pick<MachineHostOptions, "engine" | "judgeAgain">,
  { state, sockets, cache }: Paths,
  settings: Settings,
): Promise<MachineHost> {
  return openMachineHost({
    ...engine,
    adopters,
    folders: { state, sockets, cache },
    bootTimeoutMs,
    restoreTimeoutMs,
    poolSize: settings.pool_size,
    poolIdleMs: settings.pool_idle_minutes * 60_000,
  });
}

function settable(): { readonly promise: Promise<void>; resolve(): void } {
  let settle = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: () => settle() };
}

function idleMs(engine: Engine): number {
  if (engine.unusable !== undefined) return unusableIdleMs;
  const seconds = Number(process.env["PYRO_IDLE_SECONDS"]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : defaultIdleMs;
}

/** Calls `end` once nothing has been busy for `ms`; the returned function says whether something is. */
function idleTimer(ms: number, end: () => void): (busy: boolean) => void {
  let timer: NodeJS.Timeout | undefined;
  return (busy) => {
    clearTimeout(timer);
    timer = busy ? undefined : setTimeout(end, ms);
  };
}
