// Owns what operations use that run in the caller's process, without a daemon. Never runs inside one.
import { readFile, rm } from "node:fs/promises";
import * as z from "zod";
import { PyroError, asPyroError } from "../base/error.js";
import { gitWishOf } from "../base/git-wish.js";
import { locatePaths, preparePaths, type Paths } from "../base/paths.js";
import { readSettings } from "../base/settings.js";
import type { Task } from "../base/progress.js";
import { openDoctor, type ExaminationRequest } from "../doctor/doctor.js";
import type { DaemonProbe, DaemonState, Subject } from "../doctor/subject.js";
import { chooseEngine } from "../engine/choose.js";
import { judgeHost, proveTcg } from "../engine/qemu/verdict.js";
import { wantedEngine } from "../engine/wanted.js";
import { findInstallation } from "../base/installation.js";
import type { CallerParts, DaemonLog } from "../operations/parts.js";
import { audit } from "./audit/audit.js";
import { connectDaemon, findRunning, isOurs, type ConnectOptions } from "./connect.js";
import { measuring } from "../daemon/host-engine.js";
import { openHostEnvironments } from "../daemon/host-environments.js";
import { followLog, readLog } from "../daemon/log-reader.js";
import { daemonLogPath, daemonRecordPath, daemonStderrPath, readDaemonRecord } from "../daemon/record.js";
import { openReport } from "./report.js";
import { stopDaemon } from "./stop.js";

/** Opens nothing by itself. */
export function openCallerParts(
  options: ConnectOptions,
  { chatHosts, spell }: Pick<CallerParts, "chatHosts"> & Pick<Subject, "spell">,
): CallerParts {
  return {
    doctor: openDoctor(async (request, task) => ({ ...(await openSubject(options, request, task)), spell })),
    chatHosts,
    audit: (signal) => audit(locatePaths(options.env), signal),
    openReport: (path) => openReport(path, options.env ?? process.env),
    daemonLog: openDaemonLog(options.env ?? process.env),
    stopDaemon: (signal) => stopDaemon(options.env ?? process.env, signal),
  };
}

function openDaemonLog(env: NodeJS.ProcessEnv): DaemonLog {
  return {
    read: async (query) => readLog(daemonLogPath(locatePaths(env)), query),
    follow: async (query, signal, take) => followLog(daemonLogPath(locatePaths(env)), query, { signal, take }),
    stderr: async () => stderrTail(locatePaths(env)),
  };
}

async function openSubject(
  options: ConnectOptions,
  request: ExaminationRequest,
  task: Task,
): Promise<Omit<Subject, "spell">> {
  const env = options.env ?? process.env;
  const paths = locatePaths(env);
  const settings = once(() => readSettings(paths.settings));
  const installation = once(() => findInstallation());
  const verdictOptions = async () =>
    ({ ...measuring(paths), files: await installation(), again: request.fix ? "all" : "speed" }) as const;
  const verdict = once(async () => judgeHost(await verdictOptions(), task.signal));
  // Settings that cannot be read are a finding of their own.
  const setting = () => settings().catch(() => ({ engine: "auto" }) as const);
  const wanted = once(async () => wantedEngine(await setting(), env));
  return {
    paths,
    environment: request.environment,
    wantsStart: request.wantsStart,
    shape: request.shape,
    environments: openHostEnvironments(paths, env),
    hostGit: gitWishOf(env),
    daemon: daemonProbe(paths, options),
    settings,
    installation,
    verdict,
    wanted,
    prepare: async () => preparePaths(env),
    proveTcg: async (qemu) => proveTcg(await verdictOptions(), qemu, task.signal),
    engine: once(async () => chooseEngine(await verdict(), await wanted())),
  };
}

function once<Value>(find: () => Promise<Value>): () => Promise<Value> {
  let found: Promise<Value> | undefined;
  return () => (found ??= find());
}

const statusResult = z.object({
  pid: z.int(),
  version: z.string(),
  engine: z.string(),
  accelerator: z.string(),
});

function daemonProbe(paths: Paths, options: ConnectOptions): DaemonProbe {
  return {
    look: async (signal) => {
      const running = await findRunning(paths);
      if (running !== undefined && !isOurs(running)) {
        const { pid, version } = running;
        return { pid, version, startedInMs: null, ours: false, engine: undefined, accelerator: undefined };
      }
      const began = performance.now();
      const connection = await connectDaemon(options).catch(async (error: unknown) => {
        throw withLogTail(asPyroError(error), (await stderrTail(paths, 2)).replaceAll("\n", " · "));
      });
      const startedInMs = running === undefined ? Math.round(performance.now() - began) : null;
      const status = statusResult.parse(await connection.call("daemon_status", {}, { signal }));
      return { ...status, startedInMs, ours: true } satisfies DaemonState;
    },
    removeStaleRecord: async () => {
      if ((await readDaemonRecord(paths)) === undefined || (await findRunning(paths)) !== undefined) return false;
      await rm(daemonRecordPath(paths), { force: true });
      return true;
    },
  };
}

/** The last lines of what the daemon's process printed, each cut to a bearable length. */
async function stderrTail(paths: Paths, count = 20): Promise<string> {
  const text = await readFile(daemonStderrPath(paths), "utf8").catch(() => "");
  const lines = text.trim().split("\n").slice(-count);
  return lines.map((line) => line.trim().slice(0, 300)).join("\n");
}

function withLogTail(error: PyroError, tail: string): PyroError {
  if (tail === "") return error;
  return new PyroError(error.code, `${error.message} Its process printed: ${tail}`, { hint: error.said, cause: error });
}
