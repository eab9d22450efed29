// Owns the file that a user attaches to a report of a fault: what this host is, what pyro thinks of it, what it did last. Never sends it.
import { open, rm, type FileHandle } from "node:fs/promises";
import { cpus, freemem, release, totalmem } from "node:os";
import { hostDistribution } from "../base/distribution.js";
import { PyroError, asPyroError, hasErrno } from "../base/error.js";
import { lookUpProgram } from "../base/host-program.js";
import { maskPrivateIn } from "../base/mask-private.js";
import { locatePaths, type Paths } from "../base/paths.js";
import { readSettings } from "../base/settings.js";
import { runProgram } from "../base/spawn.js";
import { findHome } from "../base/user.js";
import { buildId, version } from "../base/version.js";
import { readLog } from "../daemon/log-reader.js";
import { daemonLogPath, readDaemonRecord } from "../daemon/record.js";
import { readVerdicts } from "../engine/qemu/verdict-file.js";
import type { ReportFile } from "../operations/parts.js";
import { audit } from "./audit/audit.js";

/** Entries of the log, and characters of all of them. */
const maxEntries = 400;
const maxLogLength = 512 * 1024;
const versionTimeoutMs = 5000;

/** Made before anything is examined: a name that is taken is refused at once, and whatever has it stays. */
export async function openReport(path: string, env: NodeJS.ProcessEnv): Promise<ReportFile> {
  const file = await create(path);
  let written = false;
  return {
    write: async (examination, signal) => {
      const report = { ...(await gather(env, signal)), examination };
      await file.writeFile(`${JSON.stringify(maskPrivateIn(report, findHome(env)), null, 2)}\n`);
      written = true;
    },
    [Symbol.asyncDispose]: async () => {
      await file.close();
      if (!written) await rm(path, { force: true });
    },
  };
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    if (hasErrno(error, "EEXIST")) {
      const hint = "Name another file, or remove that one first.";
      throw new PyroError("already_exists", `${path} exists.`, { hint, cause: error });
    }
    const why = asPyroError(error).message;
    throw new PyroError("invalid_argument", `${path} cannot be written: ${why}`, { cause: error });
  }
}

async function gather(env: NodeJS.ProcessEnv, signal: AbortSignal) {
  const paths = locatePaths(env);
  return {
    format: 1,
    made_at: new Date().toISOString(),
    versions: await versions(signal),
    host: {
      arch: process.arch,
      processors: cpus().length,
      model: cpus()[0]?.model,
      memory: totalmem(),
      free: freemem(),
    },
    variables: Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("PYRO_"))),
    settings: await said(readSettings(paths.settings)),
    verdicts: await said(readVerdicts(paths.cache)),
    daemon: (await readDaemonRecord(paths)) ?? null,
    without_owner: await said(audit(paths, signal).then((things) => things.filter(({ owner }) => owner === undefined))),
    log: await lastEntries(paths),
  };
}

async function versions(signal: AbortSignal) {
  const [qemu, git] = await Promise.all([versionOf("qemu-system-x86_64", signal), versionOf("git", signal)]);
  const distribution = hostDistribution().name;
  return { pyro: version, build: buildId, node: process.version, kernel: release(), distribution, qemu, git };
}

/** The first line that it prints of itself. */
async function versionOf(name: Parameters<typeof lookUpProgram>[0], signal: AbortSignal): Promise<string> {
  const path = await lookUpProgram(name);
  if (path === undefined) return "not installed";
  const ran = runProgram(path, ["--version"], { signal, timeoutMs: versionTimeoutMs });
  return ran.then(
    ({ stdout }) => (stdout.split("\n")[0] ?? "").slice(0, 200),
    (error: unknown) => `cannot be run: ${asPyroError(error).message}`.slice(0, 500),
  );
}

async function said(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => ({ error: asPyroError(error).message }));
}

/** The newest that find room. */
async function lastEntries(paths: Paths): Promise<readonly unknown[]> {
  const entries = await readLog(daemonLogPath(paths), { lines: maxEntries });
  let room = maxLogLength;
  const kept = entries.toReversed().filter((entry) => {
    room -= JSON.stringify(entry).length;
    return room >= 0;
  });
  return kept.toReversed();
}
