// Proves that a machine's disk is made, moved and kept as a chain whose files stay its own, and that a broken one is told before it is used.

import { link, mkdtemp, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diskAt, layOver, makeDisk, moveDisk, wholeDisk } from "../../../src/disk/chain.js";
import { diskBytes } from "../../../src/disk/formatted-disk.js";
import { allocatedBytes, refuseBrokenDisk } from "../../../src/disk/inspect.js";

let folder: string;
let formatted: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-chain-"));
  formatted = at("formatted.ext4");
  await writeFile(formatted, "content");
  await truncate(formatted, diskBytes);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const inode = async (path: string) => (await stat(path)).ino;

test("a disk that stays has a name of its own for what it lies over, and replaces what was in its place", async () => {
  const place = { path: at("disk.qcow2"), basePath: at("base.ext4") };
  await writeFile(place.path, "of before a reset");
  await writeFile(place.basePath, "of before a reset");
  const disk = await makeDisk(place, formatted);
  expect(disk).toEqual({
    top: { path: place.path, format: "qcow2" },
    below: [{ path: place.basePath, format: "raw" }],
    throwAway: false,
  });
  expect(diskAt(place)).toEqual(disk);
  expect(await inode(place.basePath)).toBe(await inode(formatted));
  await refuseBrokenDisk(disk);
});

test("a disk that is given away is the same file under another name, over its base under another name", async () => {
  const made = await layOver(formatted, at("pool.qcow2"));
  expect(made.below).toEqual([{ path: formatted, format: "raw" }]);
  const held = await inode(made.top.path);
  const place = { path: at("disk.qcow2"), basePath: at("base.ext4") };
  await moveDisk(made.top.path, formatted, place);
  expect([await inode(place.path), await inode(place.basePath)]).toEqual([held, await inode(formatted)]);
  await refuseBrokenDisk(diskAt(place));
  await expect(layOver(formatted, place.path)).rejects.toMatchObject({ code: "EEXIST" });
});

test("a disk of one file is whole by itself; what may be lost says so", async () => {
  await refuseBrokenDisk(wholeDisk(formatted));
  const disk = await layOver(formatted, at("scratch.qcow2"), { throwAway: true });
  expect([disk.throwAway, wholeDisk(formatted).throwAway]).toEqual([true, false]);
});

type Damage = (paths: { readonly disk: string; readonly base: string }) => Promise<unknown>;

async function overwrite(path: string, offset: number, bytes: readonly number[]): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(Buffer.from(bytes), 0, bytes.length, offset);
}

test.for<[string, "disk" | "base", Damage]>([
  ["emptied, as a power cut leaves it", "disk", ({ disk }) => truncate(disk, 0)],
  ["cut within its header", "disk", ({ disk }) => truncate(disk, 100)],
  ["full of zeros", "disk", ({ disk }) => writeFile(disk, Buffer.alloc(65_536))],
  ["marked as corrupt", "disk", ({ disk }) => overwrite(disk, 79, [2])],
  ["one whose content lies in another file", "disk", ({ disk }) => overwrite(disk, 79, [4])],
  ["one that names what it lies over", "disk", ({ disk }) => overwrite(disk, 15, [1])],
  ["removed", "disk", ({ disk }) => rm(disk)],
  ["removed", "base", ({ base }) => rm(base)],
  [
    "cut short",
    "base",
    async ({ base }) => {
      await rm(base);
      await link(formatted, base);
      await truncate(base, 4096);
    },
  ],
])("a disk whose file is %s is refused by the name of that file: %s", async ([, broken, damage]) => {
  const place = { path: at("disk.qcow2"), basePath: at("base.ext4") };
  await makeDisk(place, formatted);
  await damage({ disk: place.path, base: place.basePath });
  const path = broken === "disk" ? place.path : place.basePath;
  await expect(refuseBrokenDisk(diskAt(place))).rejects.toMatchObject({
    code: "failed_precondition",
    message: `The machine's disk cannot be used: ${path} is missing or broken.`,
  });
});

test("a disk that QEMU has open for writing, or left without closing it, is fine", async () => {
  const place = { path: at("disk.qcow2"), basePath: at("base.ext4") };
  await makeDisk(place, formatted);
  await overwrite(place.path, 79, [1]);
  await expect(refuseBrokenDisk(diskAt(place))).resolves.toBeUndefined();
});

test("what a file takes is counted without its holes, and a missing one takes nothing", async () => {
  expect(await allocatedBytes(formatted)).toBeLessThan(1024 ** 2);
  expect(await allocatedBytes(at("none"))).toBe(0);
});
