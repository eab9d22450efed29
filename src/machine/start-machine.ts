// Owns the ways to get a machine that answers, fastest first: from the pool, from a template, by booting. Never names it.
import { PyroError, asPyroError } from "../base/error.js";
import { newId } from "../base/id.js";
import type { Task } from "../base/progress.js";
import { report, reportFault } from "../base/report.js";
import { stageDone } from "../base/stage.js";
import { diskAt } from "../disk/chain.js";
import { refuseBrokenDisk } from "../disk/inspect.js";
import { EndedAtStart } from "../engine/ended-at-start.js";
import type { Engine, Origin, OwnDrives } from "../engine/engine.js";
import { bootMachine, greet, lastWords, type AnsweringMachine } from "./boot.js";
import {
  bootDrives,
  exchangeForExisting,
  handOverDisk,
  restoreDrives,
  type DriveSource,
  type WantedDrives,
} from "./machine-drives.js";
import { machineHome, makeHome, removeHome, type MachineFolders, type MachineHome } from "./machine-files.js";
import type { Pool } from "./pool/pool.js";
import type { Template, TemplateStore, TemplateSubject } from "./saved/template.js";

export interface StartedMachine extends AnsweringMachine {
  readonly home: MachineHome;
  readonly start: "claimed" | "restored" | "booted" | "adopted";
  /** Whether its root is mounted. */
  readonly mounted: boolean;
}

export interface Starter {
  readonly engine: Engine;
  readonly folders: MachineFolders;
  readonly templates: TemplateStore;
  readonly pool: Pool;
  /** Milliseconds until a cold boot must have answered. */
  readonly bootTimeoutMs: number;
  /** Milliseconds until a restored machine must have answered. */
  readonly restoreTimeoutMs: number;
}

export interface StartRequest extends TemplateSubject {
  /** Unix milliseconds at which it is removed, whatever happens. */
  readonly deadlineMs: number;
  /** Absent: a fresh disk that goes with the machine, and no seed. */
  readonly drives?: WantedDrives;
}

/** How many templates are tried, where others remove them again and again, before a machine is booted instead. */
const maxTemplates = 3;

/** The log says which way it went, and why none of the faster ones. */
export async function startMachine(starter: Starter, request: StartRequest, task: Task): Promise<StartedMachine> {
  const began = performance.now();
  const slower: string[] = [];
  const about = () => ({ environment: request.environment.name, ms: Math.round(performance.now() - began), slower });
  try {
    const started = await startFastest(starter, request, { ...task, slower });
    report(`machine ${started.start}`, { machine: started.home.id, ...about() });
    return started;
  } catch (error) {
    if (!task.signal.aborted) reportFault("machine not started", error, about());
    throw error;
  }
}

interface StartTask extends Task {
  /** Why each faster way was not taken. */
  readonly slower: string[];
}

async function startFastest(starter: Starter, request: StartRequest, task: StartTask): Promise<StartedMachine> {
  // Here, where neither a template nor the engine is blamed for it.
  if (request.drives?.exists === true) await refuseBrokenDisk(diskAt(request.drives.place));
  for (let tried = 0; tried < maxTemplates; tried += 1) {
    const template = await ensureTemplate(starter, request, task);
    if (template === undefined) break;
    let usable = true;
    try {
      const claimed = await claim(starter, { request, template }, task);
      return claimed ?? (await restore(starter, { request, template }, task));
    } catch (error) {
      task.signal.throwIfAborted();
      if (asPyroError(error).code === "resource_exhausted") throw error;
      usable = false;
      // Removed by somebody else meanwhile: that says nothing against the next one.
      if ((await starter.templates.find(request))?.generation !== template.generation) continue;
      const why = `The saved machine did not start (${asPyroError(error).message})`;
      task.slower.push(why);
      task.progress({ phase: "boot", message: `${why}; booting` });
      // What ended before it looked at the template says nothing against it: booting ends the same way, or the moment is over.
      if (!(error instanceof EndedAtStart)) await starter.templates.discard(template);
      break;
    } finally {
      if (usable) starter.pool.want(request, template);
    }
  }
  return bootTwice(starter, request, task);
}

async function ensureTemplate(starter: Starter, request: StartRequest, task: StartTask): Promise<Template | undefined> {
  try {
    return await starter.templates.ensure(request, task);
  } catch (error) {
    task.signal.throwIfAborted();
    const why = `No saved machine (${asPyroError(error).message})`;
    task.slower.push(why);
    task.progress({ phase: "boot", message: `${why}; booting instead` });
    return undefined;
  }
}

interface FromTemplate {
  readonly request: StartRequest;
  readonly template: Template;
}

/** A pool machine with the drives that are wanted; undefined when there is none that works. */
async function claim(starter: Starter, from: FromTemplate, task: StartTask): Promise<StartedMachine | undefined> {
  const member = starter.pool.claim(from.template);
  if (member === undefined) {
    task.slower.push(starter.pool.whyNone(from.template));
    return undefined;
  }
  const { machine, home } = member;
  const timeout = AbortSignal.timeout(starter.restoreTimeoutMs);
  try {
    await machine.extend(from.request.deadlineMs);
    stageDone(home.id, "deadline moved");
    const wanted = from.request.drives;
    await handOverDisk(member, wanted, from.template);
    stageDone(home.id, "disk handed over");
    await machine.resume();
    const signal = AbortSignal.any([task.signal, timeout]);
    const session = await greet(machine, signal);
    const mounted = await exchangeForExisting({ machine, session }, wanted, signal);
    return { machine, home, start: "claimed", session, mounted };
  } catch (error) {
    if (!task.signal.aborted) await lastWords(home.id, machine, asPyroError(error).message);
    await machine.kill();
    await removeHome(home);
    task.signal.throwIfAborted();
    reportFault("pool machine not claimed", error, { machine: home.id });
    task.slower.push(`The machine that waited could not be taken (${asPyroError(error).message})`);
    return undefined;
  }
}

async function restore(starter: Starter, { request, template }: FromTemplate, task: Task): Promise<StartedMachine> {
  const origin = { from: "saved", files: template } as const;
  const drives = (source: DriveSource) => restoreDrives(source, template, task);
  return boot(starter, { request, origin, drives, timeoutMs: starter.restoreTimeoutMs, start: "restored" }, task);
}

async function bootTwice(starter: Starter, request: StartRequest, task: Task): Promise<StartedMachine> {
  const { vcpuCount, memMib } = request;
  const drives = (source: DriveSource) => bootDrives(source, task);
  const cold = {
    request,
    origin: { from: "boot" },
    drives,
    timeoutMs: starter.bootTimeoutMs,
    start: "booted",
  } as const;
  task.progress({ phase: "boot", message: `Booting a machine (${vcpuCount} vCPU, ${memMib} MiB)` });
  try {
    return await boot(starter, cold, task);
  } catch (error) {
    if (task.signal.aborted || !(error instanceof PyroError) || error.code !== "deadline_exceeded") throw error;
    task.progress({ phase: "boot", message: "The machine did not answer in time; booting once more" });
    return boot(starter, { ...cold, talkative: true }, task);
  }
}

interface BootRequest {
  readonly request: StartRequest;
  readonly origin: Origin;
  readonly drives: (source: DriveSource) => Promise<OwnDrives>;
  readonly timeoutMs: number;
  readonly start: StartedMachine["start"];
  readonly talkative?: boolean;
}

async function boot(starter: Starter, wanted: BootRequest, task: Task): Promise<StartedMachine> {
  const { request, origin, drives, timeoutMs, start, talkative = false } = wanted;
  const home = machineHome(starter.folders, newId("vm"));
  await makeHome(home);
  try {
    const spec = {
      ...home,
      ...(await drives({ folders: starter.folders, home, wanted: request.drives })),
      basePath: request.environment.imagePath,
      vcpuCount: request.vcpuCount,
      memMib: request.memMib,
      origin,
      talkative,
      deadlineMs: request.deadlineMs,
    };
    stageDone(home.id, "drives made");
    const answering = await bootMachine({ engine: starter.engine, spec, timeoutMs }, task.signal);
    return { ...answering, home, start, mounted: start === "restored" && (await isMounted(answering, request, task)) };
  } catch (error) {
    await removeHome(home);
    throw error;
  }
}

/** A restored machine has its root mounted, unless the caller has a disk of its own. */
async function isMounted(answering: AnsweringMachine, { drives }: StartRequest, { signal }: Task): Promise<boolean> {
  try {
    return await exchangeForExisting(answering, drives, signal);
  } catch (error) {
    await answering.machine.kill();
    throw error;
  }
}
