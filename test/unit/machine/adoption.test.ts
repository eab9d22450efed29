// Proves that a machine that runs is taken over, left or ended, and never lost sight of, with processes of this test as supervisors.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identifyProcess } from "../../../src/base/process-identity.js";
import type { Machine } from "../../../src/engine/engine.js";
import { adopters } from "../../../src/engine/adopters.js";
import { adoptMachines, type Adopters, type UnsteeredMachine } from "../../../src/machine/adoption.js";
import type { MachineHost } from "../../../src/machine/machine-host.js";
import { writeMachineRecord } from "../../../src/machine/machine-record.js";
import { resumeWorkspaces } from "../../../src/workspace/life/resume.js";
import { WorkspaceStore } from "../../../src/workspace/record/store.js";

const id = "vm_aaaaaaaaaaaa";
let root: string;
let folder: string;
let running: ChildProcess[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pyro-adoption-"));
  folder = join(root, "state", "machines", id);
  running = [];
  await mkdir(folder, { recursive: true });
  await mkdir(join(root, "run", "m", id), { recursive: true });
});
afterEach(async () => {
  for (const each of running) each.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

/** What runs in the machine's folder; its command line is a supervisor's. */
async function run(): Promise<ChildProcess> {
  await writeFile(join(root, "supervise"), "echo up; read line\n");
  const child = spawn("/bin/sh", ["supervise", "--deadline-file", join(folder, "deadline")], { cwd: root });
  running.push(child);
  await once(child.stdout, "data");
  return child;
}

async function record(engine: string, pid: number): Promise<void> {
  const process = await identifyProcess(pid);
  if (process === undefined) throw new Error("It does not run.");
  const rest = { accelerator: "tcg", environment: "debian:12", vcpu_count: 1, mem_mib: 512 } as const;
  await writeMachineRecord(folder, { format: 1, id, process, engine, ...rest });
}

/** Changes fields of a record that stands in the machine's folder. */
async function change(name: string, fields: object): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...fields }));
}

const adopt = (known: Adopters) =>
  adoptMachines({ state: join(root, "state"), sockets: join(root, "run"), cache: join(root, "cache") }, known);

const says = (message: string) => () => Promise.reject(new Error(message));
const known: Adopters = new Map([
  ["qemu", says("qemu does not answer")],
  ["other", says("other does not answer")],
]);

/** Still there until it is ended, and then nothing of it is. */
async function expectLeft(child: ChildProcess, unsteered: readonly UnsteeredMachine[], why: string): Promise<void> {
  expect(unsteered.map((each) => [each.id, each.why])).toEqual([[id, why]]);
  expect([child.exitCode, child.signalCode, existsSync(folder)]).toEqual([null, null, true]);
  const gone = once(child, "exit");
  for (const each of unsteered) await each.end();
  await gone;
  expect([existsSync(folder), existsSync(join(root, "run", "m", id))]).toEqual([false, false]);
}

test.each(["qemu", "other"])("the engine that takes a machine over is that of its record: %s", async (engine) => {
  const child = await run();
  await record(engine, child.pid ?? 0);
  const { unsteered } = await adopt(known);
  await expectLeft(child, unsteered, `${engine} does not answer`);
});

test("a machine of an engine that we do not know runs on, in its folder, until it is ended", async () => {
  const child = await run();
  await record("hyper", child.pid ?? 0);
  const { unsteered } = await adopt(adopters);
  await expectLeft(child, unsteered, 'It runs on "hyper", which this pyro does not know.');
});

const newer = "It is of format 2, which a newer pyro wrote; this one knows formats up to 1.";

test.each([{ format: 2, process: "of tomorrow" }, { format: 2 }])(
  "so does one whose record a newer pyro wrote: %j",
  async (fields) => {
    const child = await run();
    await record("qemu", child.pid ?? 0);
    await change("machine.json", fields);
    const { unsteered } = await adopt(adopters);
    await expectLeft(child, unsteered, newer);
  },
);

test("a machine whose agent cannot be reached is killed by its engine when it is ended", async () => {
  const child = await run();
  await record("qemu", child.pid ?? 0);
  let kills = 0;
  const kill = async () => void (kills += 1);
  const machine: Partial<Machine> = { id, channel: says("no channel"), kill };
  const { unsteered } = await adopt(new Map([["qemu", () => Promise.resolve(machine as Machine)]]));
  expect(kills).toBe(0);
  await expectLeft(child, unsteered, "no channel");
  expect(kills).toBe(1);
});

test("what runs without a record, or with one that is garbled, is ended before its folder goes", async () => {
  const [first] = [await run()];
  let gone = once(first, "exit");
  expect(await adopt(adopters)).toEqual({ adopted: [], unsteered: [] });
  await gone;
  await mkdir(folder, { recursive: true });
  const second = await run();
  await writeFile(join(folder, "machine.json"), "{");
  gone = once(second, "exit");
  expect(await adopt(adopters)).toEqual({ adopted: [], unsteered: [] });
  await gone;
  expect(existsSync(folder)).toBe(false);
});

test("a newer pyro's record in whose folder nothing runs is no machine; where only that pyro knows where it runs, it may be one", async () => {
  const child = await run();
  await record("qemu", child.pid ?? 0);
  await change("machine.json", { format: 2 });
  await change("process-world.json", { format: 2 });
  expect((await adopt(adopters)).unsteered).toMatchObject([{ id, why: newer }]);
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  expect(await adopt(adopters)).toEqual({ adopted: [], unsteered: [] });
  expect(existsSync(folder)).toBe(true);
  await change("process-world.json", { format: 1 });
  expect(await adopt(adopters)).toEqual({ adopted: [], unsteered: [] });
  expect(existsSync(folder)).toBe(false);
});

test("of those that cannot be taken over, only that of a newer pyro's workspace stays; one that does not end holds nothing up", async () => {
  const place = join(root, "workspaces", "ws_aaaaaaaaaaaa");
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "workspace.json"), JSON.stringify({ format: 99, machine_id: "vm_theirs" }));
  const ended: string[] = [];
  const unsteered = ["vm_theirs", "vm_stuck", "vm_ours"].map((each) => ({
    ...{ id: each, why: "For the test." },
    end: async () => {
      ended.push(each);
      if (each === "vm_stuck") throw new Error("It does not end.");
    },
  }));
  await resumeWorkspaces(await WorkspaceStore.open(root), {
    adopted: [],
    unsteered,
  } as Partial<MachineHost> as MachineHost);
  expect(ended).toEqual(["vm_stuck", "vm_ours"]);
});
