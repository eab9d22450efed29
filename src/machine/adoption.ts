// Owns taking over machines that outlived their daemon. Never starts one, and never loses sight of one that runs.
import { readdir } from "node:fs/promises";
import { asPyroError } from "../base/error.js";
import { isSameProcess, type ProcessIdentity } from "../base/process-identity.js";
import { report, reportFault } from "../base/report.js";
import type { Adopt, Machine } from "../engine/engine.js";
import { greet, type AnsweringMachine } from "./boot.js";
import { machineHome, removeHome, removeOtherHomes, type MachineFolders, type MachineHome } from "./machine-files.js";
import { machineWorld, readMachineRecord, type MachineRecord } from "./machine-record.js";
import { endStrayMachines, supervisedFolders } from "./stray-machines.js";

/** How machines of each engine are taken over, by the name that stands in their record. */
export type Adopters = ReadonlyMap<string, Adopt>;

export interface AdoptedMachine extends AnsweringMachine {
  readonly home: MachineHome;
  readonly record: MachineRecord;
}

/** One that runs, and that nobody here can use: of a newer pyro, of an engine that we do not know, or without an answer. */
export interface UnsteeredMachine {
  readonly id: string;
  /** A sentence. */
  readonly why: string;
  /** Ends it, and removes its folders. Until then it has whatever disk it was given. */
  end(): Promise<void>;
}

export interface FoundMachines {
  readonly adopted: readonly AdoptedMachine[];
  /** Each is to be ended, unless somebody else has a right to it. */
  readonly unsteered: readonly UnsteeredMachine[];
}

/** Milliseconds for one machine to answer; a guest that just lost its host needs a moment to notice. */
const answerTimeoutMs = 15_000;

/** Takes over every machine that still runs and answers, and removes what is dead. Those of another container stay. */
export async function adoptMachines(folders: MachineFolders, adopters: Adopters): Promise<FoundMachines> {
  const homes = (await readdir(machineHome(folders, "").folder).catch(() => [])).map((id) => machineHome(folders, id));
  const running = await supervisedFolders(homes.map(({ folder }) => folder));
  const found = await Promise.all(homes.map((home) => lookAt(home, { adopters, runs: running.has(home.folder) })));
  const kept = new Set(homes.filter((_, index) => found[index] !== "dead").map(({ id }) => id));
  // Before their folders go: what nobody can steer would otherwise run on, on a disk that the next machine gets.
  await endStrayMachines(homes.filter(({ id }) => !kept.has(id)).map(({ folder }) => folder));
  await removeOtherHomes(folders, kept);
  const adopted = found.filter((each) => typeof each === "object" && "session" in each);
  if (homes.length > 0) report("machines taken over", { adopted: adopted.map(({ home }) => home.id) });
  return { adopted, unsteered: found.filter((each) => typeof each === "object" && "why" in each) };
}

interface Sight {
  readonly adopters: Adopters;
  /** Something runs in its folder that can be seen from here. */
  readonly runs: boolean;
}

async function lookAt(
  home: MachineHome,
  { adopters, runs }: Sight,
): Promise<AdoptedMachine | UnsteeredMachine | "dead" | "elsewhere"> {
  const world = await machineWorld(home.folder);
  if (world === "elsewhere" || (world === "unknown" && !runs)) return "elsewhere";
  const found = await readMachineRecord(home.folder);
  if (found.kind === "newer") return runs ? unsteered(home, found.reason) : "dead";
  if (found.kind !== "readable" || found.value.id !== home.id) return "dead";
  if (!(await isSameProcess(found.value.process))) return "dead";
  const adopt = adopters.get(found.value.engine);
  if (adopt === undefined) {
    const why = `It runs on ${JSON.stringify(found.value.engine)}, which this pyro does not know.`;
    return unsteered(home, why, { process: found.value.process });
  }
  return adoptOne(home, found.value, adopt);
}

async function adoptOne(
  home: MachineHome,
  record: MachineRecord,
  adopt: Adopt,
): Promise<AdoptedMachine | UnsteeredMachine> {
  const signal = AbortSignal.timeout(answerTimeoutMs);
  let machine: Machine | undefined;
  try {
    machine = await adopt({ ...home, process: record.process, accelerator: record.accelerator }, signal);
    const session = await greet(machine, signal);
    try {
      // Nobody kept its clock right meanwhile, and the host may have slept.
      await session.machine.setClock({ wallClockUnixNanos: BigInt(Date.now()) * 1_000_000n }, { signal });
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
    return { home, record, machine, session };
  } catch (error) {
    reportFault("machine not taken over", error, { machine: home.id });
    return unsteered(home, asPyroError(error).message, { process: record.process, ...(machine && { machine }) });
  }
}

interface Held {
  /** What its record says that it is. */
  readonly process?: ProcessIdentity;
  readonly machine?: Machine;
}

function unsteered(home: MachineHome, why: string, { process: known, machine }: Held = {}): UnsteeredMachine {
  const end = async () => {
    await machine?.kill();
    await endStrayMachines([home.folder]);
    if (known !== undefined && (await isSameProcess(known))) process.kill(known.pid, "SIGKILL");
    await removeHome(home);
  };
  return { id: home.id, why, end };
}
