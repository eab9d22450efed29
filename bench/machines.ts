// Owns measuring machines from within one process, each way to get one against its floor. Never starts a pyro command.
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newId } from "../src/base/id.js";
import { bootMachine } from "../src/machine/boot.js";
import { freshDrives, machineHome, makeHome, removeHome } from "../src/machine/machine-files.js";
import type { LiveMachine, MachineHost } from "../src/machine/machine-host.js";
import { templateBuilder } from "../src/machine/template-builder.js";
import { alternate, figureOf, timed, type Figure } from "./figure.js";
import { listen, now, profileOf, type Passage } from "./profile.js";
import { readSource, restoreRaw, type RawMachine, type RawSource } from "./raw-machine.js";
import { identify, runRaw } from "./raw-rpc.js";
import type { Profile, Row } from "./row.js";
import { environmentName, memMib, task, type Subject } from "./subject.js";

export interface Measured {
  readonly rows: readonly Row[];
  readonly profiles: readonly Profile[];
}

/** Kernel, agent and template from nothing. */
export async function measureBoot(subject: Subject, count: number): Promise<Measured> {
  const { engine, folders, environment } = subject;
  const build = templateBuilder({ engine, folders, bootTimeoutMs: 60_000 });
  const machine = { environment, vcpuCount: 1, memMib };
  const figures = await alternate(count, {
    boot: () => bootOnce(subject),
    template: async () => {
      const folder = await mkdtemp(join(folders.cache, "bench-"));
      const target = { memoryPath: join(folder, "memory"), statePath: join(folder, "state") };
      const took = await timed(() => build(machine, target, task));
      await rm(folder, { recursive: true });
      return took;
    },
  });
  return {
    rows: [
      { id: "boot", what: "cold boot → agent answers", figure: figures.boot },
      { id: "template", what: "template: boot, warm up, save", figure: figures.template },
    ],
    profiles: [],
  };
}

async function bootOnce({ engine, folders, environment }: Subject): Promise<number> {
  const home = machineHome(folders, "vm_bench");
  await makeHome(home);
  const spec = {
    ...home,
    ...(await freshDrives(folders, home, task)),
    base: { path: environment.imagePath, format: "raw" },
    ...{ vcpuCount: 1, memMib, deadlineMs: Date.now() + 120_000 },
    memory: { from: "boot" },
  } as const;
  const started = performance.now();
  const { machine, session } = await bootMachine({ engine, spec, timeoutMs: 60_000 }, task.signal);
  const took = performance.now() - started;
  session[Symbol.dispose]();
  await machine.kill();
  await removeHome(home);
  return took;
}

/** What the floor repeats; the template is built by this where it is missing. */
export async function findSource(subject: Subject): Promise<RawSource> {
  const host = await subject.openHost(0);
  await (await subject.create(host))[Symbol.asyncDispose]();
  await using live = await subject.create(host);
  const disk = join(subject.folders.cache, "bench-empty.qcow2");
  const { disk: made } = await freshDrives(subject.folders, live.home, task);
  await copyFile(made.path, disk);
  return await readSource(live.machine.pid, { folders: [live.home.folder, live.home.socketFolder], emptyDisk: disk });
}

/** A machine in a fresh process, restored from the template. */
export async function measureRestore(subject: Subject, source: RawSource, count: number): Promise<Measured> {
  const host = await subject.openHost(0);
  const ours: Passage[] = [];
  const raw: Passage[] = [];
  const figures = await alternate(count, {
    ours: async () => {
      const passage = await createAndEnd(subject, host);
      ours.push(passage);
      return untilStage(passage, "named and mounted");
    },
    raw: async () => {
      const machine = await restoreRaw(source, rawFolder(subject));
      const stages = [...machine.passage.stages, ...(await takeRoot(machine))];
      const passage = { beganAt: machine.passage.beganAt, stages };
      await machine.end();
      raw.push(passage);
      return untilStage(passage, "mounted");
    },
  });
  await host.close();
  const answered = (passages: readonly Passage[]) =>
    figureOf(passages.map((each) => untilStage(each, "hello answered")));
  return {
    rows: [
      {
        id: "restore",
        what: "restore from the template, fresh process → agent answers",
        figure: answered(ours),
        reference: { what: "raw restore", figure: answered(raw), goal: 1.3 },
      },
      {
        id: "create_from_template",
        what: "create from the template: answers, named, disk mounted",
        figure: figures.ours,
        goal: 250,
        reference: { what: "raw restore + mount", figure: figures.raw, goal: 1.3 },
      },
    ],
    profiles: [
      profileOf("create_from_template", "create from the template", ours),
      profileOf("raw_restore", "raw restore + mount", raw),
    ],
  };
}

/** A machine of the pool, with new drives put under it. */
export async function measurePool(subject: Subject, source: RawSource, count: number): Promise<Measured> {
  const host = await subject.openHost(1);
  await createAndEnd(subject, host);
  const ours: Passage[] = [];
  const raw: Passage[] = [];
  const figures = await alternate(count, {
    ours: async () => {
      await filled(host, 1);
      const passage = await createAndEnd(subject, host);
      ours.push(passage);
      return untilStage(passage, "named and mounted");
    },
    raw: async () => {
      // The refill that this waits for is not the floor's.
      await filled(host, 1);
      const passage = await claimRaw(subject, source);
      raw.push(passage);
      return untilStage(passage, "mounted");
    },
  });
  await host.close();
  return {
    rows: [
      {
        id: "create_from_pool",
        what: "create from the pool: claimed, answers, named, disk mounted",
        figure: figures.ours,
        goal: 80,
        reference: { what: "raw claim + attach + mount", figure: figures.raw, goal: 1.5 },
      },
    ],
    profiles: [profileOf("create_from_pool", "create from the pool", ours), profileOf("raw_claim", "raw claim", raw)],
  };
}

async function claimRaw(subject: Subject, source: RawSource): Promise<Passage> {
  const machine = await restoreRaw(source, rawFolder(subject));
  await takeRoot(machine);
  await runRaw(machine.session, ["/bin/true"]);
  await machine.session.call("MachineService/Unmount");
  await machine.park();
  await delay(settleMs);
  const beganAt = now();
  await machine.claim();
  const stages = [{ stage: "hello answered", at: now() }, ...(await takeRoot(machine))];
  await machine.end();
  return { beganAt, stages };
}

async function takeRoot({ session }: RawMachine) {
  await identify(session);
  const identified = now();
  await session.call("MachineService/Mount");
  return [
    { stage: "named", at: identified },
    { stage: "mounted", at: now() },
  ];
}

/** Programs in a machine that has run some before. */
export async function measureExec(subject: Subject, source: RawSource, count: number): Promise<Measured> {
  const host = await subject.openHost(0);
  await using live = await subject.create(host);
  const raw = await restoreRaw(source, rawFolder(subject));
  await takeRoot(raw);
  const argv = ["/bin/true"];
  const both = {
    ours: () => timed(() => subject.exec(live.session, argv)),
    raw: () => timed(() => runRaw(raw.session, argv)),
    call: () => timed(() => live.session.machine.hello({})),
  };
  await alternate(warmUpCount, both);
  const figures = await alternate(count, both);
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

/** Eight at the same time, without a pool. */
export async function measureStorm(subject: Subject, count: number, one: Figure): Promise<Measured> {
  const host = await subject.openHost(0);
  const atOnce = 8;
  const figures = await alternate(count, {
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
        figure: figures.storm,
        goal: 1200,
        reference: { what: "one create", figure: one, goal: 6 },
      },
    ],
    profiles: [],
  };
}

/** Milliseconds in which a machine that was just made comes to rest. */
export const settleMs = 100;
/** Runs before the first that counts: by then the code is translated. */
const warmUpCount = 15;

/** A machine's whole life, without a program. */
function createAndEnd(subject: Subject, host: MachineHost): Promise<Passage> {
  return listen(async () => {
    await using live = await subject.create(host);
    return live.id;
  });
}

async function filled(host: MachineHost, size: number): Promise<void> {
  while (host.pooled() < size) await delay(5);
  await delay(settleMs);
}

function untilStage({ beganAt, stages }: Passage, name: string): number {
  const found = stages.find(({ stage }) => stage === name);
  if (found === undefined) throw new Error(`a create of ${environmentName} never reached "${name}"`);
  return found.at - beganAt;
}

function rawFolder({ paths }: Subject): string {
  return join(paths.sockets, newId("raw"));
}
