// Owns the checks of installed environments and of the saved machines that make them start at once. Never boots one.
import type { EnvironmentStore, EnvironmentSummary } from "../environment/environment.js";
import { judgeReadiness } from "../machine/saved/readiness.js";
import { listTemplates, removeBrokenTemplates } from "../machine/saved/template-list.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";
import { describeBytes } from "./size.js";
import type { Subject } from "./subject.js";

export const environmentsCheck: Check = {
  code: "environments",
  // A suspect image is read as a whole.
  timeoutMs: 20_000,
  essential: true,
  run: async ({ environments, environment }, task) => {
    const found = await environments.list();
    const wanted = found.find(({ name }) => name === environment);
    const obstacle = wanted?.state === "installed" ? undefined : await environments.obstacle(environment);
    const repair = () => pullBroken(environments, found, task);
    const diagnosis = judgeEnvironments(found, environment, obstacle);
    return found.some(({ state }) => state === "broken") && obstacle === undefined
      ? { ...diagnosis, repair }
      : diagnosis;
  },
};

/** `obstacle` is why the wanted one could not be installed, where it is not. */
export function judgeEnvironments(
  found: readonly EnvironmentSummary[],
  wanted: string,
  obstacle: string | undefined,
): Diagnosis {
  const list = found.map(({ name, state, imageBytes }) => `${name} ${describeState(state, imageBytes)}`).join(", ");
  const state = found.find(({ name }) => name === wanted)?.state ?? "not_installed";
  const broken = found.find((each) => each.state === "broken");
  if (state !== "installed" && obstacle !== undefined) {
    const [reason = obstacle, line] = obstacle.split("; run: ");
    const text = `${wanted} is ${describeState(state, 0)}, and cannot be: ${reason}. All: ${list}.`;
    return { severity: "error", text, fix: line ?? `Remove the obstacle, then: pyro env pull ${wanted}` };
  }
  if (broken !== undefined) return { severity: "warning", text: `${list}.`, fix: `pyro env pull ${broken.name}` };
  if (state === "installed") return { severity: "ok", text: `${list}.` };
  return { severity: "info", text: `${list}. The first run installs ${wanted}.`, fix: `pyro env pull ${wanted}` };
}

function describeState(state: EnvironmentSummary["state"], imageBytes: number): string {
  return state === "installed" ? `installed (${describeBytes(imageBytes)})` : state.replace("_", " ");
}

async function pullBroken(
  environments: EnvironmentStore,
  found: readonly EnvironmentSummary[],
  task: Parameters<EnvironmentStore["pull"]>[1],
): Promise<string> {
  const names = found.filter(({ state }) => state === "broken").map(({ name }) => name);
  for (const name of names) await environments.pull(name, task);
  return `Installed again: ${names.join(", ")}.`;
}

export const templatesCheck: Check = {
  code: "templates",
  inFolders: true,
  essential: false,
  run: async ({ paths }, { signal }) => {
    const found = await listTemplates(paths.cache);
    const bytes = found.reduce((sum, each) => sum + each.bytes, 0);
    const broken = found.filter(({ manifest }) => manifest === undefined).length;
    const text = `${savedMachines(found.length)}, ${describeBytes(bytes)}`;
    if (broken === 0) return { severity: "ok", text: `${text}.` };
    return {
      severity: "warning",
      text: `${text}, of which ${broken} cannot be used and will be made again when wanted.`,
      fix: "pyro doctor --fix",
      repair: async () => {
        const removed = await removeBrokenTemplates(paths.cache, signal);
        return `Removed ${savedMachines(removed.length)} that cannot be used.`;
      },
    };
  },
};

function savedMachines(count: number): string {
  return `${count} saved ${count === 1 ? "machine" : "machines"}`;
}

export const startCheck: Check = {
  code: "start",
  inFolders: true,
  timeoutMs: 20_000,
  essential: false,
  run: async (subject) => (subject.wantsStart ? judgeStart(subject) : undefined),
};

async function judgeStart({ environment, environments, paths, engine, shape }: Subject): Promise<Diagnosis> {
  const installed = await environments.find(environment);
  const { start, reason } = await judgeReadiness({
    ...shape,
    environment,
    installed,
    engine: await engine(),
    cache: paths.cache,
  });
  const text = `${start}: ${reason}.`;
  if (start === "warm") return { severity: "ok", text, start };
  return { severity: "info", text, fix: `pyro prepare ${environment}`, start };
}
