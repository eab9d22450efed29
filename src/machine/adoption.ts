// Owns taking over machines that outlived their daemon. Never starts one.
import { readdir } from "node:fs/promises";
import { report, reportFault } from "../base/report.js";
import type { Engine } from "../engine/engine.js";
import { greet, type AnsweringMachine } from "./boot.js";
import { machineHome, removeOtherHomes, type MachineFolders, type MachineHome } from "./machine-files.js";
import { belongsElsewhere, readLiveRecord, type MachineRecord } from "./machine-record.js";
import { endStrayMachines } from "./stray-machines.js";

export interface AdoptedMachine extends AnsweringMachine {
  readonly home: MachineHome;
  readonly record: MachineRecord;
}

/** Milliseconds for one machine to answer; a guest that just lost its host needs a moment to notice. */
const answerTimeoutMs = 15_000;

/** Takes over every machine that still runs and answers; kills what does not answer, removes what is dead. Another container's stay. */
export async function adoptMachines(folders: MachineFolders, engine: Engine): Promise<AdoptedMachine[]> {
  const ids = await readdir(machineHome(folders, "").folder).catch(() => []);
  const adopted = await Promise.all(ids.map((id) => adoptOne(machineHome(folders, id), engine)));
  const alive = adopted.filter((each) => each !== undefined);
  const elsewhere = await Promise.all(ids.map((id) => belongsElsewhere(machineHome(folders, id).folder)));
  const others = ids.filter((_, index) => elsewhere[index]);
  const kept = new Set([...alive.map((each) => each.home.id), ...others]);
  // Before their folders go: what nobody can steer would otherwise run on, on a disk that the next machine gets.
  await endStrayMachines(ids.filter((id) => !kept.has(id)).map((id) => machineHome(folders, id).folder));
  await removeOtherHomes(folders, kept);
  if (ids.length > 0) report("machines taken over", { adopted: alive.map(({ home }) => home.id), of_others: others });
  return alive;
}

async function adoptOne(home: MachineHome, engine: Engine): Promise<AdoptedMachine | undefined> {
  if (await belongsElsewhere(home.folder)) return undefined;
  const record = await readLiveRecord(home.folder);
  if (record === undefined || record.id !== home.id || record.engine !== engine.name) {
    report("machine not taken over", { machine: home.id, why: notOurs(home, record) });
    return undefined;
  }
  const signal = AbortSignal.timeout(answerTimeoutMs);
  try {
    const machine = await engine.adopt({ ...home, process: record.process, accelerator: record.accelerator }, signal);
    try {
      const session = await greet(machine, signal);
      // Nobody kept its clock right meanwhile, and the host may have slept.
      await session.machine.setClock({ wallClockUnixNanos: BigInt(Date.now()) * 1_000_000n }, { signal });
      return { home, record, machine, session };
    } catch (error) {
      await machine.kill();
      throw error;
    }
  } catch (error) {
    reportFault("machine not taken over", error, { machine: home.id });
    return undefined;
  }
}

function notOurs(home: MachineHome, record: MachineRecord | undefined): string {
  if (record === undefined) return "It has no record that can be read, or has ended";
  return record.id === home.id ? `It runs on ${record.engine}` : "Its record is another machine's";
}
