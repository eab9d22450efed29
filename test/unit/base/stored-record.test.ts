// Proves that records of every earlier format are read, and that those of a later one are refused in words and kept.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { readRecordFile, replaceRecordFile } from "../../../src/base/record-file.js";
import { currentFormat, readStored, type RecordKind } from "../../../src/base/stored-record.js";
import { ownEditsKind } from "../../../src/chat-host/own-edits.js";
import { verdictRecordKind } from "../../../src/engine/qemu/verdict-file.js";
import { environmentRecordKind, manifestPath } from "../../../src/environment/manifest.js";
import { openEnvironmentStore } from "../../../src/environment/store.js";
import { storePaths } from "../../../src/environment/store-paths.js";
import { machineRecordKind, machineWorldKind } from "../../../src/machine/machine-record.js";
import { preparationRecordKind } from "../../../src/machine/saved/preparation-manifest.js";
import { clearKey, templateRecordKind } from "../../../src/machine/saved/template-folders.js";
import { listTemplates, removeBrokenTemplates } from "../../../src/machine/saved/template-list.js";
import { readJournal } from "../../../src/workspace/record/journal.js";
import { workspaceRecordKind } from "../../../src/workspace/record/record.js";
import { exportRecordKind } from "../../../src/tree/export/export-record.js";
import { seedKeyRecordKind, seedRecordKind } from "../../../src/tree/seed/cache-folder.js";
import { openSeedManifest } from "../../../src/tree/seed/manifest.js";
import { WorkspaceStore } from "../../../src/workspace/record/store.js";

const golden = (format: number, name: string) =>
  join(import.meta.dirname, "..", "..", "golden", `format-${format}`, `${name}.json`);

const kinds: Readonly<Record<string, RecordKind<z.ZodObject>>> = {
  workspace: workspaceRecordKind,
  environment: environmentRecordKind,
  host: verdictRecordKind,
  machine: machineRecordKind,
  "process-world": machineWorldKind,
  template: templateRecordKind,
  preparation: preparationRecordKind,
  seed: seedRecordKind,
  "seed-key": seedKeyRecordKind,
  export: exportRecordKind,
  "chat-host": ownEditsKind,
};

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-record-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.entries(kinds))("%s", (name, kind) => {
  const formats = Array.from({ length: currentFormat(kind) }, (_, index) => index + 1);

  test.each(formats)("a record of format %i as it was written then is read, and has today's format", (format) => {
    const found = readStored(kind, readFileSync(golden(format, name), "utf8"));
    expect(found).toMatchObject({ kind: "readable", writtenAs: format, value: { format: currentFormat(kind) } });
  });

  test("a record of tomorrow's format is newer, not garbled, whatever its fields", () => {
    const format = currentFormat(kind) + 1;
    const found = readStored(kind, JSON.stringify({ format, anything: { of: "tomorrow" } }));
    expect(found).toEqual({
      kind: "newer",
      format,
      fields: { format, anything: { of: "tomorrow" } },
      reason: `It is of format ${format}, which a newer pyro wrote; this one knows formats up to ${format - 1}.`,
    });
  });
});

test("older formats are upgraded one by one, each by its own function", () => {
  const kind = {
    what: "thing",
    schema: z.strictObject({ format: z.literal(3), names: z.array(z.string()), size: z.int() }),
    upgrades: [
      ({ name, ...rest }) => ({ ...rest, format: 2, names: [name] }),
      (fields) => ({ ...fields, format: 3, size: 0 }),
    ],
  } satisfies RecordKind<z.ZodObject>;
  expect(readStored(kind, `{"format":1,"name":"a"}`)).toEqual({
    kind: "readable",
    writtenAs: 1,
    value: { format: 3, names: ["a"], size: 0 },
  });
  expect(readStored(kind, `{"format":2,"names":["a"]}`)).toMatchObject({ value: { names: ["a"], size: 0 } });
  expect(readStored(kind, `{"format":3,"names":["a"],"size":"1"}`)).toMatchObject({ kind: "garbled" });
});

test.each(["", "nonsense", "[]", "{}", `{"format":0}`, `{"format":"1"}`, `{"format":1.5}`])(
  "what has no format is garbled: %s",
  (text) => {
    expect(readStored(workspaceRecordKind, text)).toMatchObject({ kind: "garbled" });
  },
);

test("a newer record is not written over", async () => {
  const path = join(folder, "record.json");
  const newer = `{"format":99}`;
  await writeFile(path, newer);
  const preparation = JSON.parse(await readFile(golden(1, "preparation"), "utf8")) as never;
  expect(await replaceRecordFile(preparationRecordKind, path, preparation)).toBe(false);
  expect(await readFile(path, "utf8")).toBe(newer);
  await writeFile(path, "garbled");
  expect(await replaceRecordFile(preparationRecordKind, path, preparation)).toBe(true);
  expect(await readRecordFile(preparationRecordKind, path)).toMatchObject({ kind: "readable" });
});

describe("workspaces", () => {
  const text = readFileSync(golden(1, "workspace"), "utf8");
  const { id } = JSON.parse(text) as { id: string };

  async function putWorkspace(content: string): Promise<string> {
    const place = join(folder, "workspaces", id);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "workspace.json"), content);
    await writeFile(join(place, "disk.qcow2"), "unexported work");
    return place;
  }

  test("one of the first format is there under its name, with its history and its seed", async () => {
    await putWorkspace(text);
    const store = await WorkspaceStore.open(folder);
    expect(store.find("golden").record).toMatchObject({ id, format: 1, labels: { team: "red" }, state: "running" });
    const lines = await readJournal(golden(1, "journal").replace(/json$/u, "jsonl"));
    expect(lines.map(({ type }) => type)).toEqual([
      "created",
      ...["exec_started", "exec_ended", "file_write", "exec_started", "exec_ended"],
    ]);
    await using manifest = await openSeedManifest(golden(1, "seed").replace(/json$/u, "manifest"));
    expect(await manifest.lookup(Buffer.from(".git/HEAD"))).toMatchObject({ kind: "file", size: 23 });
  });

  test("one of a newer pyro stays as it is and is refused by id, prefix and name, and its name stays taken", async () => {
    const newer = JSON.stringify({ ...JSON.parse(text), format: 2, nested: { unknown: true } });
    const place = await putWorkspace(newer);
    const store = await WorkspaceStore.open(folder);
    expect(store.quarantined).toEqual([]);
    expect(store.all()).toEqual([]);
    expect(store.newer).toMatchObject([{ id, name: "golden", machineId: "vm_kixwxzuhay37", format: 2 }]);
    for (const reference of [id, id.slice(0, 6), "golden"]) {
      expect(() => store.find(reference)).toThrow(
        `Workspace ${id} is left as it is. It is of format 2, which a newer pyro wrote; this one knows formats up to 1.`,
      );
    }
    expect(() => store.checkNameIsFree("golden")).toThrow(`The name golden is taken by ${id}.`);
    expect(await readFile(join(place, "workspace.json"), "utf8")).toBe(newer);
    expect((await readdir(place)).sort()).toEqual(["disk.qcow2", "workspace.json"]);
  });

  test("a garbled one is moved aside with its files", async () => {
    await putWorkspace("{");
    const store = await WorkspaceStore.open(folder);
    expect(store.quarantined).toMatchObject([{ id }]);
    const [aside = ""] = await readdir(join(folder, "quarantine"));
    expect(await readFile(join(folder, "quarantine", aside, "disk.qcow2"), "utf8")).toBe("unexported work");
  });
});

describe("environments", () => {
  test("one that a newer pyro installed is neither used nor replaced, and no image is pruned beside it", async () => {
    const paths = storePaths(folder);
    for (const each of [paths.images, paths.installs, paths.locks]) await mkdir(each, { recursive: true });
    const path = manifestPath(paths, "debian:12");
    await writeFile(path, `{"format":2,"layers":["a.erofs"]}`);
    const image = join(paths.images, `${"a".repeat(64)}.squashfs`);
    await writeFile(image, "perhaps a layer");
    const store = openEnvironmentStore({ root: folder, sources: [] });
    const task = { signal: new AbortController().signal, progress: () => undefined };
    expect(await store.find("debian:12")).toBeUndefined();
    expect(await store.list()).toContainEqual(expect.objectContaining({ name: "debian:12", state: "newer" }));
    await expect(store.pull("debian:12", task)).rejects.toThrow("The installed debian:12 is left as it is.");
    await store.prune(task.signal);
    expect(existsSync(image)).toBe(true);
    expect(await readFile(path, "utf8")).toBe(`{"format":2,"layers":["a.erofs"]}`);
  });
});

describe("templates", () => {
  test("one that a newer pyro saved is neither used, counted as broken, nor removed", async () => {
    const key = "a".repeat(32);
    const generation = `${key}.${"b".repeat(16)}`;
    const place = join(folder, "templates", generation);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "template.json"), `{"format":2}`);
    expect(await listTemplates(folder)).toEqual([]);
    expect(await removeBrokenTemplates(folder, new AbortController().signal)).toEqual([]);
    await clearKey(join(folder, "templates"), key);
    expect(await readdir(place)).toEqual(["template.json"]);
  });
});
