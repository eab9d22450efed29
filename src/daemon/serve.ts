// Owns the daemon's process: what it opens at its start, when it ends, what it leaves. Never handles a call.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeJsonAtomic } from "../base/atomic-file.js";
import { preparePaths } from "../base/paths.js";
import { readSettings } from "../base/settings.js";
import { buildId, version } from "../base/version.js";
import { openEnvironmentStore } from "../environment/store.js";
import { openEngine } from "../engine/choose.js";
import { findInstallation } from "../machine/installation.js";
import { openMachineHost } from "../machine/machine-host.js";
import { oneShot } from "../machine/one-shot.js";
import { daemonRecordPath, type DaemonRecord } from "./record.js";
import { listen } from "./server.js";

/** Milliseconds without a call or a machine after which the daemon ends. */
const defaultIdleMs = 15 * 60_000;
/** Milliseconds that a cold boot may take, under emulation on a busy machine. */
const bootTimeoutMs = 45_000;
/** Milliseconds that a restore may take, likewise. */
const restoreTimeoutMs = 15_000;

/** Runs until it is told to stop or has been idle; the caller holds the lock of the state folder. */
export async function runDaemon(): Promise<void> {
  process.umask(0o077);
  const paths = await preparePaths();
  const settings = await readSettings(paths.settings);
  const startedAt = new Date().toISOString();
  const socketPath = join(paths.sockets, "daemon.sock");
  const environments = openEnvironmentStore({ root: paths.environments });
  const machines = await openMachineHost({
    engine: await openEngine(await findInstallation()),
    folders: { state: paths.state, sockets: paths.sockets, cache: paths.cache },
    bootTimeoutMs,
    restoreTimeoutMs,
    poolSize: settings.pool_size,
    poolIdleMs: settings.pool_idle_minutes * 60_000,
  });
  const stop = new AbortController();
  const idle = idleTimer(idleMs(), () => stop.abort());
  const server = await listen({
    socketPath,
    onActivity: () => idle(server.running() > 0),
    services: {
      environments,
      oneShot: oneShot({ environments, machines }),
      daemon: {
        status: () => ({
          pid: process.pid,
          version,
          socket: socketPath,
          started_at: startedAt,
          running_calls: server.running() - 1,
          running_machines: machines.count(),
        }),
        stop: () => void setImmediate(() => stop.abort()),
      },
    },
  });
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => stop.abort());
  await writeJsonAtomic(daemonRecordPath(paths), {
    pid: process.pid,
    socket: socketPath,
    version,
    build: buildId,
    started_at: startedAt,
  } satisfies DaemonRecord);
  idle(false);
  process.stdout.on("error", () => undefined);
  process.stdout.write("ready\n");
  await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve(), { once: true }));
  await rm(daemonRecordPath(paths), { force: true });
  await server.close();
  await machines.close();
}

function idleMs(): number {
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
