// Owns the check of the host programs that pyro calls, but for the engine's own. Never installs one.
import { hostDistribution, type Distribution } from "../base/distribution.js";
import { installLine, lookUpProgram, packageFor, systemPath, type HostProgram } from "../base/host-program.js";
import { asPyroError } from "../base/error.js";
import { runProgram } from "../base/spawn.js";
import { userId } from "../base/user.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";

export interface FoundProgram {
  readonly program: HostProgram;
  /** Undefined when it is not installed. */
  readonly version: string | undefined;
  /** `pyro run` needs it in every case; the others only serve to build environments. */
  readonly needed: boolean;
}

const always: readonly HostProgram[] = ["flock", "mkfs.ext4"];
const forBuilding: readonly HostProgram[] = ["mmdebstrap", "setpriv", "sqfstar", "unshare"];

const versionFlags: Partial<Record<HostProgram, string>> = { "mkfs.ext4": "-V", sqfstar: "-version" };

export const programsCheck: Check = {
  code: "programs",
  essential: true,
  run: async (_subject, { signal }) => {
    const wanted = [...always, ...forBuilding, ...(userId() === 0 ? [] : (["newuidmap"] as const))];
    return judgePrograms(
      await Promise.all(
        wanted.map(async (program) => {
          const path = await lookUpProgram(program);
          const version = path === undefined ? undefined : await programVersion(program, path, signal);
          return { program, version, needed: always.includes(program) };
        }),
      ),
    );
  },
};

export function judgePrograms(
  found: readonly FoundProgram[],
  distribution: Distribution = hostDistribution(),
): Diagnosis {
  const list = found
    .filter(({ version }) => version !== undefined)
    .map(({ program, version }) => `${program} ${version ?? ""} (${packageFor(program, distribution)})`)
    .join(", ");
  const missing = found.filter(({ version }) => version === undefined);
  if (missing.length === 0) return { severity: "ok", text: `${list}.` };
  const needed = missing.some((each) => each.needed);
  const names = missing.map(({ program }) => program).join(", ");
  const consequence = needed ? "no machine can start" : "no environment can be built from the Debian mirror";
  return {
    severity: needed ? "error" : "warning",
    text: `Not installed: ${names}; without ${missing.length === 1 ? "it" : "them"} ${consequence}. Installed: ${list || "none"}.`,
    fix: installLine(
      missing.map(({ program }) => program),
      distribution,
    ),
  };
}

/** The first number with a point that it prints about itself; `installed` where it does not say. */
export async function programVersion(program: HostProgram, path: string, signal: AbortSignal): Promise<string> {
  if (program === "newuidmap") return "installed";
  const env = { PATH: systemPath, LC_ALL: "C" };
  const said = await runProgram(path, [versionFlags[program] ?? "--version"], { signal, env, timeoutMs: 10_000 }).then(
    ({ stdout, stderrTail }) => stdout + stderrTail,
    // Some exit with an error although they answer.
    (error: unknown) => asPyroError(error).message,
  );
  signal.throwIfAborted();
  return /\d+\.[\w.]*\w/u.exec(said)?.[0] ?? "installed";
}
