// Owns the PYRO_HOME folders that tests work in: making one, running commands in it, and proving that its end leaves nothing.

import { deepStrictEqual } from "node:assert";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { locatePaths } from "../../src/base/paths.js";
import { audit } from "../../src/client/audit/audit.js";
import { runFolder, startPyro, startShell, type CommandOptions, type Finished, type Started } from "./command.js";
import { eventually } from "./eventually.js";
import { processesOf, type HomeProcess } from "./processes.js";

export type HomeCommandOptions = Omit<CommandOptions, "env"> & { readonly env?: NodeJS.ProcessEnv };

/** In wire names. */
export interface DaemonStatus {
  readonly running: boolean;
  readonly pid: number | null;
  readonly running_calls: number;
  readonly running_machines: number;
  readonly pooled_machines: number;
}

export interface Home {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs `pyro` to its end. */
  pyro(args: readonly string[], options?: HomeCommandOptions): Promise<Finished>;
  start(args: readonly string[], options?: HomeCommandOptions): Started;
  /** `pyro run debian:12 -- ARGV`, to its end. */
  run(argv: readonly string[], options?: HomeCommandOptions): Promise<Finished>;
  startRun(argv: readonly string[], options?: HomeCommandOptions): Started;
  /** Runs a shell script in which `"$@"` is the command. */
  shell(script: string, options?: HomeCommandOptions): Promise<Finished>;
  /** `pyro daemon status`, which starts none. */
  status(): Promise<DaemonStatus>;
  processes(kind?: HomeProcess["kind"]): readonly HomeProcess[];
  /** Names of the machines that have a folder. */
  machines(): readonly string[];
  /** Rejects unless all machines and their processes are gone soon; for homes without a pool. */
  emptied(): Promise<void>;
}

/** The home that most tests share. Tests that end its daemon or change its files open one of their own. */
export function sharedHome(): Home {
  return homeAt(join(runFolder(), "shared"));
}

export interface HomeOptions {
  /** Content of its settings.json. */
  readonly settings?: unknown;
  /** More environment for every command. */
  readonly env?: NodeJS.ProcessEnv;
  /** Without the template that setup.ts saved. */
  readonly cold?: boolean;
}

/** A home of its own, which is checked and removed when it is disposed. */
export function openHome(options: HomeOptions = {}): Home & AsyncDisposable {
  // All of one length, so that no path is the beginning of another.
  const path = join(runFolder(), randomBytes(3).toString("hex"));
  mkdirSync(path, { mode: 0o700 });
  if (options.cold !== true) execFileSync("cp", ["-al", keptCache(), join(path, "cache")]);
  if (options.settings !== undefined) writeFileSync(join(path, "settings.json"), JSON.stringify(options.settings));
  return {
    ...homeAt(path, options.env),
    [Symbol.asyncDispose]: async () => {
      await endHome(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Keeps what is in the cache of this home now, for every home that is opened later. */
export function keepCache(home: string): void {
  // Linked, not copied: its files are replaced, never written to. A lock must not be shared.
  execFileSync("cp", ["-al", join(home, "cache"), keptCache()]);
  execFileSync("find", [keptCache(), "-name", "*.lock", "-delete"]);
}

function keptCache(): string {
  return join(runFolder(), "cache");
}

/** Only what a command needs: nothing of the developer's own environment may decide a test. */
export function environmentOf(home: string): NodeJS.ProcessEnv {
  const { PATH, HOME, PYRO_ENVIRONMENT_CACHE_DIR } = process.env;
  return { PATH, HOME, PYRO_ENVIRONMENT_CACHE_DIR, PYRO_HOME: home };
}

function homeAt(path: string, more: NodeJS.ProcessEnv = {}): Home {
  const env = { ...environmentOf(path), ...more };
  const start: Home["start"] = (args, options = {}) => startPyro(args, { ...options, env: { ...env, ...options.env } });
  const startRun: Home["startRun"] = (argv, options) => start(["run", "debian:12", "--", ...argv], options);
  return {
    path,
    env,
    start,
    startRun,
    pyro: (args, options) => start(args, options).finished,
    run: (argv, options) => startRun(argv, options).finished,
    shell: (script, options = {}) => startShell(script, { ...options, env: { ...env, ...options.env } }).finished,
    status: async () => {
      const { stdout } = await start(["daemon", "status", "--json"]).finished;
      return JSON.parse(stdout.toString()) as DaemonStatus;
    },
    processes: (kind) => processesOf(path).filter((each) => kind === undefined || each.kind === kind),
    machines: () => namesIn(join(path, "state", "machines")),
    emptied: async () => {
      const left = await eventually(() => machineRemains(path), isEmpty);
      deepStrictEqual(left, [], `machines are left in ${path}`);
    },
  };
}

/** Stops the daemon of this home; throws, after killing it, when something is left. */
export async function endHome(path: string): Promise<void> {
  await startPyro(["daemon", "stop"], { env: environmentOf(path) }).finished;
  const left = [...(await eventually(() => remains(path), isEmpty)), ...(await ownerless(path))];
  for (const { pid } of processesOf(path)) process.kill(pid, "SIGKILL");
  deepStrictEqual(left, [], `something is left of ${path} after its daemon was stopped`);
}

/** What of this home nobody owns, as `pyro daemon audit` sees it. */
export async function ownerless(path: string): Promise<readonly string[]> {
  const things = await audit(locatePaths(environmentOf(path)), AbortSignal.timeout(300_000));
  return things.flatMap(({ owner, what }) => (owner === undefined ? [what] : []));
}

function isEmpty(list: readonly unknown[]): boolean {
  return list.length === 0;
}

/** Processes, sockets and machine files that should not be there once the daemon has ended. */
function remains(path: string): string[] {
  const processes = processesOf(path).map(({ pid, argv }) => `process ${pid}: ${argv.slice(0, 4).join(" ")}`);
  const sockets = namesIn(join(path, "run")).filter((name) => name !== "m");
  return [...new Set([...processes, ...sockets, ...machineRemains(path), ...records(path)])];
}

function machineRemains(path: string): string[] {
  const processes = processesOf(path).filter(({ kind }) => kind === "machine" || kind === "supervisor");
  return [
    ...processes.map(({ pid, kind }) => `${kind} ${pid}`),
    ...namesIn(join(path, "state", "machines")).map((name) => `state/machines/${name}`),
    ...namesIn(join(path, "run", "m")).map((name) => `run/m/${name}`),
  ];
}

function records(path: string): string[] {
  return existsSync(join(path, "state", "daemon.json")) ? ["state/daemon.json"] : [];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
