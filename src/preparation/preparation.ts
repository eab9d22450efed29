// Owns making an environment warm, step by step, and the record of it. Never does again what still holds, unless forced.
import type { Task } from "../base/progress.js";
import { ReadWriteLock } from "../base/read-write-lock.js";
import { reportFault } from "../base/report.js";
import { version } from "../base/version.js";
import { catalogEntry } from "../environment/catalog.js";
import type { EnvironmentStore, InstalledEnvironment } from "../environment/environment.js";
import type { MachineShape } from "../machine/machine-files.js";
import type { MachineHost } from "../machine/machine-host.js";
import {
  refuseNewerPreparation,
  writePreparation,
  type PreparationManifest,
  type PreparationStep,
} from "../machine/saved/preparation-manifest.js";
import { judgeReadiness, type StartState } from "../machine/saved/readiness.js";
import type { TemplateSubject } from "../machine/saved/template.js";
import type { Workspaces } from "../workspace/workspaces.js";
import { proveWorkspace, removeForgottenProofs } from "./proof.js";

export interface PreparationRequest extends MachineShape {
  readonly environment: string;
  /** Take every step again, also when it is warm. */
  readonly force: boolean;
}

export interface Prepared {
  /** How it was before, and why. */
  readonly was: StartState;
  readonly reason: string;
  /** False when nothing had to be done. */
  readonly changed: boolean;
  readonly manifest: PreparationManifest;
  /** Machines that wait for the next workspace or run. */
  readonly pooledMachines: number;
}

export interface Preparation {
  /** Continues what an interrupted one left; a second one waits for the first and uses what it did. */
  prepare(request: PreparationRequest, task: Task): Promise<Prepared>;
}

export interface PreparationParts {
  readonly environments: EnvironmentStore;
  readonly machines: MachineHost;
  readonly workspaces: Workspaces;
  /** Folder of templates and manifests. */
  readonly cache: string;
}

/** Removes first what the proof of a dead daemon left. */
export async function openPreparation(parts: PreparationParts): Promise<Preparation> {
  await removeForgottenProofs(parts.workspaces).catch((error: unknown) => {
    reportFault("forgotten proofs not removed", error);
  });
  const lock = new ReadWriteLock();
  return {
    prepare: (request, task) => {
      catalogEntry(request.environment);
      const { unusable } = parts.machines.engine();
      if (unusable !== undefined) throw unusable;
      task.progress({ phase: "wait", message: "Waiting for another prepare" });
      return lock.exclusive(task.signal, () => prepareAlone(parts, request, task));
    },
  };
}

async function prepareAlone(parts: PreparationParts, request: PreparationRequest, task: Task): Promise<Prepared> {
  const { environments, machines } = parts;
  await refuseNewerPreparation(parts.cache, request.environment);
  task.progress({ phase: "look", message: `Looking at ${request.environment}` });
  const installed = await environments.find(request.environment);
  const readiness = await judgeReadiness({ ...parts, ...request, installed, engine: machines.engine() });
  const { start: was, reason } = readiness;
  if (readiness.start === "warm" && installed !== undefined && !request.force) {
    // In the background: whoever asks whether it is warm will soon want a machine.
    const filling = machines.fillPool({ ...request, environment: installed }, { ...task, signal: forever });
    filling.catch(() => undefined);
    return { was, reason, changed: false, manifest: readiness.manifest, pooledMachines: machines.pooled() };
  }
  const manifest = await takeSteps(parts, request, task);
  await writePreparation(parts.cache, manifest);
  return { was, reason, changed: true, manifest, pooledMachines: machines.pooled() };
}

const forever = new AbortController().signal;

async function takeSteps(
  parts: PreparationParts,
  request: PreparationRequest,
  task: Task,
): Promise<PreparationManifest> {
  const { machines, workspaces } = parts;
  const { environment: name, vcpuCount, memMib, force } = request;
  const steps: PreparationManifest["steps"] = [];
  const step = async <Result>(phase: PreparationStep, message: string, work: () => Promise<Result>) => {
    task.signal.throwIfAborted();
    task.progress({ phase, message });
    const started = performance.now();
    const result = await work();
    steps.push({ step: phase, duration_ms: Math.round(performance.now() - started) });
    return result;
  };
  const environment = await step("install", `Installing ${name}`, () => install(parts, request, task));
  const subject: TemplateSubject = { environment, vcpuCount, memMib };
  const template = await step("template", `Saving a machine of ${name}`, () =>
    machines.saveTemplate(subject, { anew: force }, task),
  );
  await step("pool", "Getting a machine ready ahead of need", () => machines.fillPool(subject, task));
  await removeForgottenProofs(workspaces);
  await proveWorkspace({ workspaces, environment: name, vcpuCount, memMib, step }, task);
  await step("refill", "Making the next machine ready", () => machines.fillPool(subject, task));
  const engine = machines.engine();
  return {
    format: 1,
    environment: name,
    image_digest: environment.imageDigest,
    template_key: template.key,
    template_generation: template.generation,
    engine: engine.name,
    engine_fingerprint: engine.fingerprint,
    vcpu_count: vcpuCount,
    mem_mib: memMib,
    pyro_version: version,
    prepared_at: new Date().toISOString(),
    steps,
    proved: ["create", "exec", "reset", "delete"],
  };
}

/** Forced: the image is read as a whole first, so that a damaged one is installed again. */
async function install(
  { environments }: PreparationParts,
  { environment, force }: PreparationRequest,
  task: Task,
): Promise<InstalledEnvironment> {
  if (force) await environments.inspect(environment, task.signal);
  return (await environments.pull(environment, task)).environment;
}
