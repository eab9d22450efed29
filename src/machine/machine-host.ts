// Owns the machines of this daemon, from admission to removal. Never decides what runs in them.
import type { Task } from "../base/progress.js";
import type { Engine } from "../engine/engine.js";
import { admit } from "./admission.js";
import { giveIdentity } from "./identity.js";
import { removeHome, removeOtherHomes, type MachineFolders } from "./machine-files.js";
import { memberMaker } from "./pool-member.js";
import { openPool } from "./pool.js";
import { startMachine, type StartedMachine, type Starter, type StartRequest } from "./start-machine.js";
import { templateBuilder } from "./template-builder.js";
import { openTemplateStore } from "./template.js";

/** A machine that answers: started, named, its disk mounted. Disposing it leaves nothing behind. */
export interface LiveMachine extends StartedMachine, AsyncDisposable {
  readonly id: string;
}

export interface MachineHost {
  /** Starts a machine and waits until it answers. */
  create(request: StartRequest, task: Task): Promise<LiveMachine>;
  /** Kills and removes every machine. */
  close(): Promise<void>;
  /** How many machines there are, those that are starting included, the pool's not. */
  count(): number;
  /** How many machines wait in the pool. */
  pooled(): number;
}

export interface MachineHostOptions {
  readonly engine: Engine;
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
  end(): Promise<void>;
}

/** Removes what machines of an earlier daemon left, then opens for business. */
export async function openMachineHost(options: MachineHostOptions): Promise<MachineHost> {
  await removeOtherHomes(options.folders, new Set());
  const pool = openPool({
    size: options.engine.can.has("memory-snapshot") ? options.poolSize : 0,
    idleMs: options.poolIdleMs,
    make: memberMaker({ ...options, lifetimeMs: options.poolIdleMs + poolGraceMs }),
  });
  const templates = openTemplateStore(options.folders, options.engine, templateBuilder(options));
  const slots = new Set<Slot>();
  return {
    create: (request, task) => createMachine({ starter: { ...options, pool, templates }, slots, request }, task),
    close: async () => {
      await pool.close();
      await Promise.all([...slots].map((slot) => slot.end()));
    },
    count: () => slots.size,
    pooled: () => pool.ready(),
  };
}

interface Creation {
  readonly starter: Starter;
  readonly slots: Set<Slot>;
  readonly request: StartRequest;
}

async function createMachine({ starter, slots, request }: Creation, task: Task): Promise<LiveMachine> {
  const slot: Slot = { memMib: request.memMib, end: () => Promise.resolve() };
  const others = () => [...slots].map((each) => each.memMib);
  await admit(request.memMib, others()).catch(async () => {
    await starter.pool.drain();
    await admit(request.memMib, others());
  });
  slots.add(slot);
  try {
    const started = await startMachine(starter, request, task);
    slot.end = async () => {
      started.session[Symbol.dispose]();
      await started.machine.kill();
      await removeHome(started.home);
      slots.delete(slot);
    };
    const hostname = started.home.id.replace("_", "-");
    await giveIdentity(started.session, { hostname, environment: request.environment, seeded: false }, task.signal);
    return { id: started.home.id, ...started, [Symbol.asyncDispose]: slot.end };
  } catch (error) {
    await slot.end();
    slots.delete(slot);
    throw error;
  }
}
