// Proves that each saved machine has files of its own for ever: whoever reads them has all of one, or none; what is half made goes.

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { lockFile } from "../../../../src/base/lock.js";
import { EndedAtStart } from "../../../../src/engine/ended-at-start.js";
import type { Engine, MachineSpec, Origin } from "../../../../src/engine/engine.js";
import { unusableEngine } from "../../../../src/engine/unusable.js";
import { diskBytes } from "../../../../src/disk/formatted-disk.js";
import { openPool } from "../../../../src/machine/pool/pool.js";
import type { WantedDrives } from "../../../../src/machine/machine-drives.js";
import { proveBoot } from "../../../../src/machine/prove-boot.js";
import { startMachine } from "../../../../src/machine/start-machine.js";
import { removeLeftovers, templateRoot } from "../../../../src/machine/saved/template-folders.js";
import { openTemplateStore, type Template, type TemplateStore } from "../../../../src/machine/saved/template.js";

vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };
const engine: Engine = unusableEngine(new PyroError("unavailable", "for the test"));

let folder: string;
let root: string;
let built: number;
let store: TemplateStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-template-"));
  root = templateRoot({ cache: join(folder, "cache") });
  await writeFile(join(folder, "image"), "image");
  built = 0;
  store = openStore();
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const folders = () => ({ state: join(folder, "state"), sockets: join(folder, "run"), cache: join(folder, "cache") });

/** What it builds has its number in every file. */
function openStore(): TemplateStore {
  return openTemplateStore(folders(), engine, async (_subject, target) => {
    built += 1;
    for (const path of [target.memoryPath, target.statePath, target.diskPath]) await writeFile(path, String(built));
    await truncate(target.diskPath, diskBytes);
  });
}

function subject({ name = "debian:12", digest = "sha256:0" } = {}) {
  const image = { imagePath: join(folder, "image"), imageDigest: digest, imageBytes: 5 };
  const environment = { name, ...image, env: [], source: "mirror", installedAt: "2026-11-20T10:00:00Z" };
  return { environment, vcpuCount: 1, memMib: 512 };
}

const pathsOf = ({ memoryPath, statePath, diskPath, basePath }: Template) => [
  ...[memoryPath, statePath, diskPath, basePath],
];
const present = (template: Template) => pathsOf(template).map((path) => existsSync(path));
const all = [true, true, true, true];
const none = [false, false, false, false];

test("one that is made anew has other files, and the old name leads to none of them", async () => {
  const first = await store.ensure(subject(), task);
  await using memory = await open(first.memoryPath);
  await store.discard(first);
  expect(await store.find(subject())).toBeUndefined();
  const second = await store.ensure(subject(), task);
  expect([present(first), present(second), first.key === second.key]).toEqual([none, all, true]);
  // What was opened before stays what it was.
  expect([(await memory.readFile()).toString(), await readFile(second.memoryPath, "utf8")]).toEqual(["1", "2"]);
});

test("discarding one never removes a newer one, in whatever order and however often", async () => {
  const first = await store.ensure(subject(), task);
  await store.discard(first);
  const second = await store.ensure(subject(), task);
  await Promise.all([store.discard(first), openStore().discard(first), store.discard(first)]);
  expect([await store.find(subject()), present(second)]).toEqual([second, all]);
});

test("a reader beside rebuilds has files of one generation, or is told that they are gone", async () => {
  const over = new AbortController();
  const reads: string[] = [];
  const read = async () => {
    while (!over.signal.aborted) {
      const template = await store.ensure(subject(), task);
      const texts: string[] = [];
      for (const path of [template.memoryPath, template.statePath]) {
        texts.push(await readFile(path, "utf8").catch((error: unknown) => Object(error).code as string));
      }
      reads.push(texts.join(" "));
    }
  };
  const rebuild = async () => {
    for (let round = 0; round < 15; round += 1) await store.discard(await store.ensure(subject(), task));
    over.abort();
  };
  await Promise.all([read(), read(), rebuild()]);
  expect(reads.filter((each) => !/^(\d+) (\1|ENOENT)$|^ENOENT ENOENT$/u.test(each))).toEqual([]);
  expect([built >= 15, new Set(reads).size > 1]).toEqual([true, true]);
});

test("several that want it at once share one build; one of a newer image replaces it, another environment's stays", async () => {
  const [first, ...others] = await Promise.all([store, openStore(), store].map((each) => each.ensure(subject(), task)));
  expect([others, built]).toEqual([[first, first], 1]);
  const other = await store.ensure(subject({ name: "debian:13", digest: "sha256:13" }), task);
  const newer = await store.ensure(subject({ digest: "sha256:1" }), task);
  expect(await store.find(subject())).toBeUndefined();
  expect([present(other), present(newer), built]).toEqual([all, all, 3]);
});

test("what dead processes and older versions left goes, unless somebody is at it; nothing else does", async () => {
  const kept = await store.ensure(subject(), task);
  const [busy, dead, old] = ["a", "b", "c"].map((digit) => digit.repeat(32));
  const random = "0".repeat(16);
  const going = [`${dead}.${random}.new`, `${dead}.${random}.old`, `${dead}.new`, `${old}`];
  const staying = [`${busy}.${random}.new`, `${dead}.${random}`, "notes"];
  for (const name of [...going, ...staying]) await mkdir(join(root, name));
  const lock = await lockFile(join(root, `${busy}.lock`), task.signal);
  expect([...(await removeLeftovers(root, task.signal))].sort()).toEqual([...going].sort());
  await lock[Symbol.asyncDispose]();
  const left = (await readdir(root)).filter((name) => !name.endsWith(".lock"));
  expect(left.sort()).toEqual([...staying, kept.generation].sort());
  expect(await removeLeftovers(root, task.signal)).toEqual([`${busy}.${random}.new`]);
});

test("a build removes what earlier ones of its key left, and leaves nothing when it fails", async () => {
  const { key, ...first } = await store.ensure(subject(), task);
  await truncate(first.memoryPath, 0);
  const random = "0".repeat(16);
  for (const name of [key, `${key}.new`, `${key}.${random}.new`, `${key}.${random}.old`]) await mkdir(join(root, name));
  const broken = openTemplateStore(folders(), engine, () => Promise.reject(new Error("no room")));
  await expect(broken.ensure(subject(), task)).rejects.toThrow("no room");
  expect(await readdir(root)).toEqual([`${key}.lock`]);
  const { generation } = await store.ensure(subject(), task);
  expect((await readdir(root)).sort()).toEqual([generation, `${key}.lock`].sort());
});

test("one of another accelerator stays for the time when that is used again", async () => {
  const on = (accelerator: string, runtime: string): TemplateStore =>
    openTemplateStore(
      folders(),
      { ...engine, fingerprint: JSON.stringify({ accelerator, runtime }) },
      async (_subject, target) => {
        for (const path of [target.memoryPath, target.statePath, target.diskPath]) await writeFile(path, accelerator);
        await truncate(target.diskPath, diskBytes);
      },
    );
  const first = await on("kvm", "1").ensure(subject(), task);
  const other = await on("tcg", "1").ensure(subject(), task);
  expect([present(first), present(other)]).toEqual([all, all]);
  const newer = await on("tcg", "2").ensure(subject(), task);
  expect([present(first), present(other), present(newer)]).toEqual([all, none, all]);
  await on("kvm", "2").ensure(subject(), task);
  expect([present(first), present(newer)]).toEqual([none, all]);
});

test("one that no longer fits is made anew, and what has changed since is said", async () => {
  const messages: string[] = [];
  const listening = { ...task, progress: ({ message }: { readonly message: string }) => void messages.push(message) };
  const on = (changed: object) => {
    const fingerprint = JSON.stringify({ accelerator: "kvm", cpu: "cpu", features: "1", kernel: "6.1", ...changed });
    return openTemplateStore(folders(), { ...engine, fingerprint }, async (_subject, target) => {
      for (const path of [target.memoryPath, target.statePath, target.diskPath]) await writeFile(path, "");
      await truncate(target.diskPath, diskBytes);
    });
  };
  await on({}).ensure(subject(), listening);
  await on({}).ensure(subject(), listening);
  await on({ features: "2", kernel: "6.12" }).ensure(subject(), listening);
  await on({ features: "2", kernel: "6.12" }).ensure(subject({ digest: "sha256:1" }), listening);
  const start = "Preparing debian:12 for instant starts (once)";
  expect(messages).toEqual([
    start,
    `${start}: the processor's flags, microcode or mitigations and the host's kernel changed since the last was saved`,
    `${start}: the environment's image changed since the last was saved`,
  ]);
});

function machineOf(template: Template, ended: string[]) {
  const kill = () => {
    ended.push(template.generation);
    return Promise.resolve();
  };
  const home = { id: "vm", folder: join(folder, "home"), socketFolder: join(folder, "sockets") };
  const machine = { exited: new Promise<never>(() => undefined), kill } as never;
  return { machine, home, diskPath: join(folder, "home", "disk") };
}

test("a pool machine is never handed out for a template that was made after it", async () => {
  const ended: string[] = [];
  const make = (_subject: unknown, template: Template) => Promise.resolve(machineOf(template, ended));
  const pool = openPool({ size: 1, idleMs: 60_000, make, freeBytes: () => Infinity });
  const first = await store.ensure(subject(), task);
  expect(await pool.fill(subject(), first)).toBe(1);
  await store.discard(first);
  const second = await store.ensure(subject(), task);
  expect(pool.claim(second)).toBeUndefined();
  expect([await pool.fill(subject(), second), ended]).toEqual([1, [first.generation]]);
  expect([pool.claim(first), pool.claim(second)?.diskPath]).toEqual([undefined, join(folder, "home", "disk")]);
  await pool.close();
});

const fails = (error: () => PyroError, starts: Origin[], onStart = async (_origin: Origin) => undefined as void) => ({
  ...engine,
  start: async ({ origin }: Pick<MachineSpec, "origin">) => {
    starts.push(origin);
    await onStart(origin);
    throw error();
  },
});

function startOn(failing: Engine, drives?: WantedDrives) {
  const pool = openPool({ size: 0, idleMs: 1000, make: () => Promise.reject(new Error("no pool")) });
  const starter = { engine: failing, folders: folders(), templates: store, pool };
  const request = { ...subject(), deadlineMs: Date.now() + 60_000, ...(drives && { drives }) };
  return startMachine({ ...starter, bootTimeoutMs: 1000, restoreTimeoutMs: 1000 }, request, task);
}

test("a machine that ends before it could look at its template says nothing against it: it stays", async () => {
  const template = await store.ensure(subject(), task);
  const starts: Origin[] = [];
  const ends = fails(() => new EndedAtStart("no /dev/kvm"), starts);
  await expect(startOn(ends)).rejects.toThrow("The machine ended before it was ready: no /dev/kvm");
  expect(starts.map(({ from }) => from)).toEqual(["saved", "boot"]);
  expect([await store.find(subject()), present(template)]).toEqual([template, all]);
});

test("a broken disk is named before anything starts on it, and neither the template nor the engine is blamed", async () => {
  const template = await store.ensure(subject(), task);
  const place = { path: join(folder, "disk.qcow2"), basePath: join(folder, "base.ext4") };
  const starts: Origin[] = [];
  const ends = fails(() => new EndedAtStart("Image is not in qcow2 format"), starts);
  await writeFile(place.path, "");
  await expect(startOn(ends, { seedPath: "/seed", place, exists: true })).rejects.toMatchObject({
    code: "failed_precondition",
    message: `The machine's disk cannot be used: ${place.path} is missing or broken.`,
  });
  expect([starts, await store.find(subject()), present(template)]).toEqual([[], template, all]);
});

test("a boot that nobody heard of is done once more, by a kernel that says how far it is", async () => {
  const talkative: (boolean | undefined)[] = [];
  const silent: Engine = {
    ...engine,
    start: async (spec) => {
      if (spec.origin.from === "boot") talkative.push(spec.talkative);
      throw new PyroError("deadline_exceeded", "silence");
    },
  };
  await expect(startOn(silent)).rejects.toThrow("silence");
  expect(talkative).toEqual([false, true]);
  talkative.length = 0;
  const proof = {
    engine: silent,
    folders: { cache: join(folder, "cache"), sockets: join(folder, "run") },
    timeoutMs: 300,
  };
  await expect(proveBoot(proof, task.signal)).rejects.toThrow("silence");
  expect(talkative).toEqual([false, true]);
});

test("a template that goes while a machine starts from it costs another try, not a boot; one that stays is discarded", async () => {
  const starts: Origin[] = [];
  const removed = async (origin: Origin) => {
    const found = origin.from === "saved" && starts.length < 3 ? await store.find(subject()) : undefined;
    if (found !== undefined) await store.discard(found);
  };
  const failing = fails(() => new PyroError("unavailable", "It does not start."), starts, removed);
  await expect(startOn(failing)).rejects.toMatchObject({ code: "unavailable" });
  expect(starts.map(({ from }) => from)).toEqual(["saved", "saved", "saved", "boot"]);
  const paths = starts.map((origin) => (origin.from === "saved" ? origin.files.memoryPath : ""));
  expect([new Set(paths).size, built, await store.find(subject())]).toEqual([4, 3, undefined]);
});
