// Owns measuring how fast machines come from the template and from the pool, each way against its floor. Never starts a pyro command.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newId } from "../src/base/id.js";
import { diskBytes } from "../src/disk/formatted-disk.js";
import { writeOverlay } from "../src/disk/qcow2.js";
import type { LiveMachine, MachineHost } from "../src/machine/machine-host.js";
import { alternate, figureOf, timed, type Figure } from "./figure.js";
import { untilPooled } from "./pooled.js";
import { listen, now, profileOf, type Lap, type Passage } from "./profile.js";
import { readSource, restoreRaw, type RawMachine, type RawSource } from "./raw-machine.js";
import { identify, mountSeed, runRaw } from "./raw-rpc.js";
import type { Measured } from "./row.js";
import { environmentName, type Subject } from "./subject.js";

/** What the floor repeats; the template is built by this where it is missing. */
export async function findSource(subject: Subject): Promise<RawSource> {
  const host = await subject.openHost(0);
  await using live = await subject.create(host);
  const emptyDisk = join(subject.folders.cache, "bench-empty.qcow2");
  await writeOverlay(emptyDisk, diskBytes);
  return await readSource(live.machine.pid, { folders: [live.home.folder, live.home.socketFolder], emptyDisk });
}

/** Machines in fresh processes. */
export async function measureRestores(subject: Subject, source: RawSource, count: number): Promise<Measured> {
  const host = await subject.openHost(0);
  const passages = { ours: [] as Passage[], seeded: [] as Passage[], raw: [] as Passage[], rawSeeded: [] as Passage[] };
  const raw = async (seeded: boolean) => {
    const machine = await restoreRaw(source, rawFolder(subject));
    const passage = { ...machine.passage, stages: [...machine.passage.stages, ...(await takeOver(machine, seeded))] };
    await machine.end();
    return passage;
  };
  const figures = await alternate(count, {
    ours: () => until(ready, passages.ours, () => createAndEnd(subject, host, false)),
    raw: () => until(ready, passages.raw, () => raw(false)),
    seeded: () => until(ready, passages.seeded, () => createAndEnd(subject, host, true)),
    rawSeeded: () => until(ready, passages.rawSeeded, () => raw(true)),
  });
  await host.close();
  const answered = (each: readonly Passage[]) => figureOf(each.map((passage) => timeOf(passage, "hello answered")));
  return {
    rows: [
      {
        id: "restore",
        what: "restore from the template, fresh process → agent answers",
        figure: answered(passages.ours),
        reference: { what: "raw restore", figure: answered(passages.raw), goal: 1.3 },
      },
      {
        id: "create_from_template",
        what: "create from the template: answers, named, ready for a command",
        figure: figures.ours,
        goal: 250,
        reference: { what: "raw restore + identify", figure: figures.raw, goal: 1.3 },
      },
      {
        id: "workspace_from_template",
        what: "the same with a disk that stays and a seed",
        figure: figures.seeded,
        goal: 250,
        reference: { what: "raw restore + identify + mount", figure: figures.rawSeeded, goal: 1.3 },
      },
    ],
    profiles: [
      profileOf("create_from_template", "create from the template", passages.ours),
      profileOf("raw_restore", "raw restore", passages.raw),
      profileOf("workspace_from_template", "create with a seed from the template", passages.seeded),
      profileOf("raw_restore_seeded", "raw restore with a seed", passages.rawSeeded),
    ],
  };
}

/** Machines that wait in the pool. */
export async function measurePool(subject: Subject, source: RawSource, count: number): Promise<Measured> {
  const host = await subject.openHost(1);
  await createAndEnd(subject, host, false);
  const passages = { ours: [] as Passage[], seeded: [] as Passage[], raw: [] as Passage[], rawSeeded: [] as Passage[] };
  // Also before the floor: the refill of the create before is not its own.
  const full = async (work: () => Promise<Passage>) => {
    await untilPooled(() => host.pooled());
    await delay(settleMs);
    return work();
  };
  const figures = await alternate(count, {
    ours: () => until(ready, passages.ours, () => full(() => createAndEnd(subject, host, false))),
    raw: () => until(ready, passages.raw, () => full(() => claimRaw(subject, source, false))),
    seeded: () => until(ready, passages.seeded, () => full(() => createAndEnd(subject, host, true))),
    rawSeeded: () => until(ready, passages.rawSeeded, () => full(() => claimRaw(subject, source, true))),
  });
  await host.close();
  return {
    rows: [
      {
        id: "create_from_pool",
        what: "create from the pool: answers, named, ready for a command",
        figure: figures.ours,
        goal: 80,
        reference: { what: "raw claim + identify", figure: figures.raw, goal: 1.5 },
      },
      {
        id: "workspace_from_pool",
        what: "the same with a disk that stays and a seed",
        figure: figures.seeded,
        goal: 80,
        reference: { what: "raw claim + attach + identify + mount", figure: figures.rawSeeded, goal: 1.5 },
      },
    ],
    profiles: [
      profileOf("create_from_pool", "create from the pool", passages.ours),
      profileOf("raw_claim", "raw claim", passages.raw),
      profileOf("workspace_from_pool", "create with a seed from the pool", passages.seeded),
      profileOf("raw_claim_seeded", "raw claim with a seed", passages.rawSeeded),
    ],
  };
}

/** Eight at the same time, without a pool. */
export async function measureStorm(subject: Subject, count: number, one: Figure): Promise<Measured> {
  const host = await subject.openHost(0);
  const atOnce = 8;
  const { storm } = await alternate(count, {
    storm: async () => {
      const machines: LiveMachine[] = [];
      const took = await timed(async () => {
        machines.push(...(await Promise.all(Array.from({ length: atOnce }, () => subject.create(host)))));
      });
      await Promise.all(machines.map((each) => each[Symbol.asyncDispose]()));
      return took;
    },
  });
  return {
    rows: [
      {
        id: "creates_at_once",
        what: `${atOnce} creates from the template at once, all answering`,
        figure: storm,
        goal: 1200,
        reference: { what: "one create", figure: one, goal: 6 },
      },
    ],
    profiles: [],
  };
}

/** Programs in a machine that has run some before. */
export async function measurePrograms(subject: Subject, source: RawSource, count: number): Promise<Measured> {
  const host = await subject.openHost(0);
  await using live = await subject.create(host);
  const raw = await restoreRaw(source, rawFolder(subject));
  await takeOver(raw, false);
  const argv = ["/bin/true"];
  const all = {
    ours: () => timed(() => subject.exec(live.session, argv)),
    raw: () => timed(() => runRaw(raw.session, argv)),
    call: () => timed(() => live.session.machine.hello({})),
  };
  await alternate(warmUpCount, all);
  const figures = await alternate(count, all);
  await raw.end();
  return {
    rows: [
      {
        id: "exec",
        what: "run /bin/true in a warm machine",
        figure: figures.ours,
        goal: 40,
        reference: { what: "raw calls", figure: figures.raw, goal: 1.3 },
      },
      { id: "call", what: "one call to the agent", figure: figures.call },
    ],
    profiles: [],
  };
}

/** Milliseconds in which a machine that was just made comes to rest. */
export const settleMs = 100;
/** Runs before the first that counts: by then the code is translated. */
const warmUpCount = 15;
/** The last stage of a create, by either name. */
const ready = "named and mounted";

async function claimRaw(subject: Subject, source: RawSource, seeded: boolean): Promise<Passage> {
  const machine = await restoreRaw(source, rawFolder(subject));
  await identify(machine.session);
  await machine.session.call("MachineService/Unmount");
  await mountSeed(machine.session);
  await runRaw(machine.session, ["/bin/true"]);
  await machine.session.call("MachineService/Unmount");
  await machine.session.call("MachineService/Mount");
  await runRaw(machine.session, ["/bin/true"]);
  await machine.park();
  await delay(settleMs);
  const beganAt = now();
  await machine.claim(seeded);
  const stages = [{ stage: "hello answered", at: now() }, ...(await takeOver(machine, seeded))];
  await machine.end();
  return { beganAt, stages };
}

async function takeOver({ session }: RawMachine, seeded: boolean): Promise<Lap[]> {
  await identify(session);
  if (!seeded) return [{ stage: ready, at: now() }];
  const named = { stage: "named", at: now() };
  await mountSeed(session);
  return [named, { stage: ready, at: now() }];
}

/** A machine's whole life, without a program. */
function createAndEnd(subject: Subject, host: MachineHost, seeded: boolean): Promise<Passage> {
  return listen(async () => {
    await using live = await subject.create(host, seeded);
    return live.id;
  });
}

/** Notes the passage, and returns the milliseconds until that stage of it. */
async function until(stage: string, passages: Passage[], work: () => Promise<Passage>): Promise<number> {
  const passage = await work();
  passages.push(passage);
  return timeOf(passage, stage);
}

function timeOf({ beganAt, stages }: Passage, name: string): number {
  const found = stages.find(({ stage }) => stage === name);
  if (found === undefined) throw new Error(`a create of ${environmentName} never reached "${name}"`);
  return found.at - beganAt;
}

function rawFolder({ paths }: Subject): string {
  return join(paths.sockets, newId("raw"));
}
