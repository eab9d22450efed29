// Owns the machines of this daemon, from admission to removal. Never decides what runs in them.
import { crashPoint } from "../base/crash-point.js";
import { PyroError } from "../base/error.js";
import { identifyProcess } from "../base/process-identity.js";
import type { Task } from "../base/progress.js";
import { report, reportFault } from "../base/report.js";
import { stageDone } from "../base/stage.js";
import type { Engine } from "../engine/engine.js";
import { admit, admitSaving } from "./admission.js";
import { adoptMachines, type Adopters, type UnsteeredMachine } from "./adoption.js";
import { giveIdentity } from "./identity.js";
import { removeHome, type MachineFolders } from "./machine-files.js";
import { writeMachineRecord } from "./machine-record.js";
import { memberMaker } from "./pool/pool-member.js";
import { openPool } from "./pool/pool.js";
import { startMachine, type StartedMachine, type StartRequest } from "./start-machine.js";
import { openStations, type Station, type Stations } from "./station.js";
import { templateBuilder } from "./saved/template-builder.js";
import { removeLeftovers, templateRoot } from "./saved/template-folders.js";
import { openTemplateStore, type Template, type TemplateBuilder, type TemplateSubject } from "./saved/template.js";

/** A machine that answers: started, named, its disk mounted. Disposing it leaves nothing behind. */
export interface LiveMachine extends StartedMachine, AsyncDisposable {
  readonly id: string;
}

export interface MachineHost {
  /** Starts a machine and waits until it answers. */
  create(request: MachineRequest, task: Task): Promise<LiveMachine>;
  /** Saves a machine to restore others from, where none is saved that fits, or in any case. */
  saveTemplate(subject: TemplateSubject, options: { readonly anew: boolean }, task: Task): Promise<Template>;
  /** Makes the pool ready for what is saved; resolves with how many machines wait then. */
  fillPool(subject: TemplateSubject, task: Task): Promise<number>;
  /** Machines that an earlier daemon kept and that still run. */
  readonly adopted: readonly LiveMachine[];
  /** The same, but nobody here can use them: whoever opened this ends each that nobody else has a right to. */
  readonly unsteered: readonly UnsteeredMachine[];
  /** Kills and removes every machine but those that are kept, which a later daemon adopts. */
  close(): Promise<void>;
  /** How many machines there are, those that are starting included, the pool's not. */
  count(): number;
  /** How many machines wait in the pool. */
  pooled(): number;
  /** What the next machine runs on: another than at first where that has failed. */
  engine(): Engine;
}

export interface MachineRequest extends StartRequest {
  /** It lives on, until its deadline, when the daemon ends. */
  readonly keep: boolean;
  /** 1 to 64 characters of [a-z0-9-]; the machine's id when absent. */
  readonly hostname?: string;
}

export interface MachineHostOptions {
  readonly engine: Engine;
  readonly adopters: Adopters;
  /** Judges the host again, where machines on the engine no longer start; what they would run on now. */
  readonly judgeAgain: (signal: AbortSignal) => Promise<Engine>;
  readonly folders: MachineFolders;
  /** Milliseconds until a cold boot must have answered. */
  readonly bootTimeoutMs: number;
  /** Milliseconds until a restored machine must have answered. */
  readonly restoreTimeoutMs: number;
  readonly poolSize: number;
  readonly poolIdleMs: number;
}

/** Milliseconds that a pool machine may outlive the pool's own idle limit, before its supervisor ends it. */
const poolGraceMs = 24 * 60 * 60_000;

interface Slot {
  readonly memMib: number;
  readonly keep: boolean;
  end(): Promise<void>;
}

/** Milliseconds for removing what was left of templates. */
const leftoversTimeoutMs = 10_000;

/** Adopts machines of an earlier daemon, removes what else it left, then opens for business. */
export async function openMachineHost(options: MachineHostOptions): Promise<MachineHost> {
  await removeLeftovers(templateRoot(options.folders), AbortSignal.timeout(leftoversTimeoutMs)).catch(
    (error: unknown) => reportFault("leftovers of templates not removed", error),
  );
  const slots = new Set<Slot>();
  const found = await adoptMachines(options.folders, options.adopters);
  const adopted = found.adopted.map((each) => {
    const slot: Slot = { memMib: each.record.mem_mib, keep: true, end: () => Promise.resolve() };
    return liveMachine({ ...each, start: "adopted", mounted: true }, slots, slot);
  });
  const stations = openStations({ ...options, open: (engine) => openStation({ ...options, engine }) });
  return {
    create: (request, task) => createMachine({ options, stations, slots, request }, task),
    saveTemplate: (subject, { anew }, task) =>
      stations.use(task, async ({ templates, pool }) => {
        const found = await templates.find(subject);
        if (found !== undefined && !anew) return found;
        await admitSaving(options.folders.cache);
        if (found !== undefined) {
          await pool.forget();
          await templates.discard(found);
        }
        return templates.ensure(subject, task);
      }),
    fillPool: (subject, task) =>
      stations.use(task, async ({ templates, pool }) => pool.fill(subject, await templates.ensure(subject, task))),
    adopted,
    unsteered: found.unsteered,
    close: async () => {
      await stations.close();
      await Promise.all([...slots].filter((slot) => !slot.keep).map((slot) => slot.end()));
    },
    count: () => slots.size,
    pooled: () => stations.current().pool.ready(),
    engine: () => stations.current().engine,
  };
}

function openStation(options: MachineHostOptions): Station {
  const pool = openPool({
    size: options.poolSize,
    idleMs: options.poolIdleMs,
    make: memberMaker({ ...options, lifetimeMs: options.poolIdleMs + poolGraceMs }),
  });
  const templates = openTemplateStore(options.folders, options.engine, builder(options));
  return { engine: options.engine, templates, pool };
}

/** Machines are saved where there is room for it; where not, others boot. */
function builder(options: MachineHostOptions): TemplateBuilder {
  const build = templateBuilder(options);
  return async (subject, target, task) => {
    await admitSaving(options.folders.cache);
    return build(subject, target, task);
  };
}

interface Creation {
  readonly options: MachineHostOptions;
  readonly stations: Stations;
  readonly slots: Set<Slot>;
  readonly request: MachineRequest;
}

async function createMachine(creation: Creation, task: Task): Promise<LiveMachine> {
  const { options, stations, slots, request } = creation;
  const slot: Slot = { memMib: request.memMib, keep: request.keep, end: () => Promise.resolve() };
  const others = () => [...slots].map((each) => each.memMib);
  await admit(request.memMib, others()).catch(async () => {
    await stations.current().pool.drain();
    await admit(request.memMib, others());
  });
  slots.add(slot);
  try {
    const started = await stations.use(task, (station) => startMachine({ ...options, ...station }, request, task));
    const live = liveMachine(started, slots, slot);
    const identity = {
      hostname: request.hostname ?? live.id.replace("_", "-"),
      environment: request.environment,
      seeded: request.drives !== undefined,
      mounted: live.mounted,
    };
    await giveIdentity(live.session, identity, task.signal);
    crashPoint("machine answered");
    stageDone(live.id, "named and mounted");
    if (request.keep) await keepMachine(live, request);
    return live;
  } catch (error) {
    await slot.end();
    slots.delete(slot);
    throw error;
  }
}

function liveMachine(started: StartedMachine, slots: Set<Slot>, slot: Slot): LiveMachine {
  slots.add(slot);
  const { machine, home } = started;
  void machine.exited.then(({ reason }) => report("machine ended", { machine: home.id, reason }));
  slot.end = async () => {
    started.session[Symbol.dispose]();
    await started.machine.kill();
    stageDone(started.home.id, "machine killed");
    await removeHome(started.home);
    stageDone(started.home.id, "folders removed");
    slots.delete(slot);
  };
  return { ...started, id: started.home.id, [Symbol.asyncDispose]: () => slot.end() };
}

/** The record first: a machine that outlives us must be found. */
async function keepMachine({ machine, home }: LiveMachine, request: MachineRequest): Promise<void> {
  const process = await identifyProcess(machine.pid);
  if (process === undefined) throw new PyroError("unavailable", "The machine ended right after its start.");
  await writeMachineRecord(home.folder, {
    format: 1,
    id: home.id,
    process,
    engine: machine.engine,
    accelerator: machine.accelerator,
    environment: request.environment.name,
    vcpu_count: request.vcpuCount,
    mem_mib: request.memMib,
  });
  crashPoint("machine recorded");
  machine.detach();
  crashPoint("machine detached");
}
