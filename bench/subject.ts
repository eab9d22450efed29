// Owns a pyro of the benchmark's own: folders, engine, environment, machines. Never touches those of the user.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { newId } from "../src/base/id.js";
import { preparePaths, resolvePaths, type Paths } from "../src/base/paths.js";
import { readSettings } from "../src/base/settings.js";
import { hostEngine } from "../src/daemon/host-engine.js";
import { adopters } from "../src/engine/adopters.js";
import type { Engine } from "../src/engine/engine.js";
import type { InstalledEnvironment } from "../src/environment/environment.js";
import { openHostEnvironments } from "../src/daemon/host-environments.js";
import { guestEnvironment } from "../src/guest/environment.js";
import { runGuestProgram } from "../src/process/program.js";
import type { GuestSession } from "../src/guest/session.js";
import type { WantedDrives } from "../src/machine/machine-drives.js";
import { emptySeed } from "../src/disk/empty-seed.js";
import { openMachineHost, type LiveMachine, type MachineHost } from "../src/machine/machine-host.js";

export const environmentName = "debian:12";
export const memMib = 1024;

export interface Subject extends AsyncDisposable {
  readonly paths: Paths;
  /** The variables that make a pyro command use these folders. */
  readonly env: NodeJS.ProcessEnv;
  readonly engine: Engine;
  readonly environment: InstalledEnvironment;
  readonly folders: Pick<Paths, "state" | "sockets" | "cache">;
  openHost(poolSize: number): Promise<MachineHost>;
  /** `kept`: with a disk that outlives it and a seed, which is empty. */
  create(host: MachineHost, kept?: boolean): Promise<LiveMachine>;
  /** Runs a program in a machine; its output is dropped. */
  exec(session: GuestSession, argv: readonly string[]): Promise<void>;
}

const signal = new AbortController().signal;
export const task = { signal, progress: () => undefined };

const limits = { bootTimeoutMs: 60_000, restoreTimeoutMs: 30_000, poolIdleMs: 600_000 };
/** Milliseconds after which a machine of the benchmark is gone, whatever happens. */
const lifetimeMs = 5 * 60_000;

async function newDrives({ state, cache }: Paths): Promise<WantedDrives> {
  const path = join(state, newId("disk"));
  return { seedPath: await emptySeed(cache, task), place: { path, basePath: `${path}-base` }, exists: false };
}

export async function openSubject(): Promise<Subject> {
  const user = resolvePaths();
  // Beside the user's own folders: on the same disk, so that it is as fast.
  await mkdir(dirname(user.cache), { recursive: true });
  const home = await mkdtemp(join(dirname(user.cache), "pyro-bench-"));
  const env = { ...process.env, PYRO_HOME: home, PYRO_ENVIRONMENT_CACHE_DIR: user.environments };
  const paths = preparePaths(env);
  const environments = openHostEnvironments(paths, env);
  const environment =
    (await environments.find(environmentName)) ?? (await environments.pull(environmentName, task)).environment;
  const host = hostEngine(paths, await readSettings(paths.settings));
  const engine = await host.open(signal);
  if (engine.unusable !== undefined) throw engine.unusable;
  const folders = { state: paths.state, sockets: paths.sockets, cache: paths.cache };
  return {
    ...{ paths, env, engine, environment, folders },
    openHost: (poolSize) =>
      openMachineHost({ ...limits, adopters, engine, judgeAgain: host.openAgain, folders, poolSize }),
    create: async (host, kept = false) => {
      const machine = { environment, vcpuCount: 1, memMib, deadlineMs: Date.now() + lifetimeMs, keep: false };
      return host.create(kept ? { ...machine, drives: await newDrives(paths) } : machine, task);
    },
    exec: async (session, argv) => {
      const output = () => Promise.resolve();
      const program = { argv, env: guestEnvironment(environment), cwd: "/workspace", timeoutMs: 60_000, output };
      const exit = await runGuestProgram(session, program, signal);
      if (exit.exitCode !== 0) throw new Error(`${argv.join(" ")} exited with ${exit.exitCode}`);
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}
