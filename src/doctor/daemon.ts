// Owns the checks of the daemon, which has to start, and of the ids it needs to build environments. Never stops a daemon.
import { missingIds } from "../environment/namespace.js";
import { userId } from "../base/user.js";
import type { Engine } from "../engine/engine.js";
import { failure, type Check } from "./check.js";
import type { Diagnosis } from "./finding.js";
import { describeMs } from "./size.js";
import type { DaemonState } from "./subject.js";

export const daemonCheck: Check = {
  code: "daemon",
  inFolders: true,
  timeoutMs: 45_000,
  essential: true,
  run: async (subject, { signal }) => {
    // What has been measured here a starting daemon need not measure once more.
    await isRejected(subject.verdict());
    try {
      const state = await subject.daemon.look(signal);
      const wanted = await subject.engine().then(
        (engine) => engine,
        () => undefined,
      );
      return judgeDaemon(state, wanted);
    } catch (error) {
      signal.throwIfAborted();
      if (await isRejected(subject.settings())) {
        return { severity: "info", text: "None runs, and none starts before the settings are corrected." };
      }
      const repair = async () =>
        (await subject.daemon.removeStaleRecord())
          ? "Removed the record of a daemon that is gone."
          : "There was no record of a dead daemon to remove.";
      return { ...failure("error", error), repair };
    }
  },
};

async function isRejected(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => false,
    () => true,
  );
}

/** `wanted` is what its machines would run on if it were started now; undefined when nothing can. */
export function judgeDaemon(state: DaemonState, wanted: Pick<Engine, "name" | "accelerator"> | undefined): Diagnosis {
  const { pid, version, startedInMs, engine, accelerator } = state;
  if (!state.ours) {
    const text = `Another build of pyro (${version}, pid ${pid}) is running; it makes way for the next command.`;
    return { severity: "info", text, fix: "pyro daemon stop" };
  }
  const differs = wanted !== undefined && (engine !== wanted.name || accelerator !== wanted.accelerator);
  if (differs && engine !== undefined && accelerator !== undefined) {
    const now = describe(wanted.name, wanted.accelerator);
    const text = `It runs (pid ${pid}) and uses ${describe(engine, accelerator)}, though this host would now get ${now}.`;
    return { severity: "warning", text, fix: "pyro daemon stop; the next command starts it again" };
  }
  if (startedInMs === null) return { severity: "ok", text: `It runs: pid ${pid}, version ${version}.` };
  const text = `None ran; one started in ${describeMs(startedInMs)} (pid ${pid}) and ends by itself when idle.`;
  return { severity: "ok", text };
}

function describe(engine: string, accelerator: string): string {
  return accelerator === "none" ? "no engine" : `${engine} with ${accelerator}`;
}

export const subuidCheck: Check = {
  code: "subuid",
  timeoutMs: 15_000,
  essential: false,
  run: async (_subject, { signal }) => {
    if (userId() === 0) return { severity: "ok", text: "Not needed: root builds environments without." };
    const missing = await missingIds(signal);
    if (missing === undefined)
      return { severity: "ok", text: "There is a range: environments can be built without root." };
    const [reason = missing, line] = missing.split("; run: ");
    const text = `No environment can be built from the Debian mirror: ${reason}.`;
    return { severity: "warning", text, ...(line === undefined ? {} : { fix: line }) };
  },
};
