// Proves that disk overlays are the qcow2 format that QEMU reads, and that the formatted disk is one file, always equal.

import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, readdir, rm, stat, truncate, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formattedDisk } from "../../../src/disk/formatted-disk.js";
import { writeOverlay } from "../../../src/disk/qcow2.js";

const GIB = 1024 ** 3;
const task = { signal: new AbortController().signal, progress: () => undefined };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-disk-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** The fields of a qcow2 header, by the offsets in QEMU's docs/interop/qcow2.txt. */
function parse(image: Buffer) {
  const number = (offset: number) => Number(image.readBigUInt64BE(offset));
  return {
    magic: image.toString("latin1", 0, 4),
    version: image.readUInt32BE(4),
    backingFileOffset: number(8),
    clusterBytes: 2 ** image.readUInt32BE(20),
    virtualBytes: number(24),
    encryption: image.readUInt32BE(32),
    l1: { entries: image.readUInt32BE(36), offset: number(40) },
    refcountTable: { offset: number(48), clusters: image.readUInt32BE(56) },
    snapshots: image.readUInt32BE(60),
    features: [number(72), number(80), number(88)],
    refcountBits: 2 ** image.readUInt32BE(96),
    headerBytes: image.readUInt32BE(100),
    firstExtension: image.readUInt32BE(104),
  };
}

for (const virtualBytes of [512, 512 * 1024 ** 2, 512 * 1024 ** 2 + 512, 20 * GIB, 5 * 1024 * GIB + 512]) {
  test(`an overlay of ${virtualBytes} bytes is empty, consistent and names no backing file`, async () => {
    const path = join(folder, "overlay.qcow2");
    await writeOverlay(path, virtualBytes);
    const image = await readFile(path);
    const parsed = parse(image);
    const l1Entries = Math.ceil(virtualBytes / (8192 * 65536));
    expect(parsed).toEqual({
      magic: "QFI\u00fb",
      version: 3,
      backingFileOffset: 0,
      clusterBytes: 65536,
      virtualBytes,
      encryption: 0,
      l1: { entries: l1Entries, offset: 3 * 65536 },
      refcountTable: { offset: 65536, clusters: 1 },
      snapshots: 0,
      features: [0, 0, 0],
      refcountBits: 16,
      headerBytes: 104,
      firstExtension: 0,
    });
    const { l1, clusterBytes } = parsed;
    expect(image.subarray(l1.offset, l1.offset + l1.entries * 8).every((byte) => byte === 0)).toBe(true);
    const block = Number(image.readBigUInt64BE(parsed.refcountTable.offset));
    const clusters = image.length / clusterBytes;
    expect(clusters).toBe(3 + Math.ceil((l1Entries * 8) / clusterBytes));
    const counts = Array.from({ length: clusters + 1 }, (_, index) => image.readUInt16BE(block + index * 2));
    expect(counts).toEqual([...Array.from({ length: clusters }, () => 1), 0]);
  });
}

test("an overlay never replaces a file, and sizes that no disk has are refused", async () => {
  const path = join(folder, "overlay.qcow2");
  await writeOverlay(path, GIB);
  await expect(writeOverlay(path, GIB)).rejects.toMatchObject({ code: "EEXIST" });
  for (const size of [0, -512, 100, 1.5, Number.NaN]) {
    await expect(writeOverlay(join(folder, "other"), size)).rejects.toThrow(RangeError);
  }
  expect(await readdir(folder)).toEqual(["overlay.qcow2"]);
});

test("the formatted disk is made once: sparse, ext4, and remade when cut short", async () => {
  const path = await formattedDisk(folder, task);
  const first = await stat(path);
  expect(first.size).toBe(20 * GIB);
  expect(first.blocks * 512).toBeLessThan(16 * 1024 ** 2);
  const digest = await headDigest(path);
  expect(await formattedDisk(folder, task)).toBe(path);
  expect((await stat(path)).ino).toBe(first.ino);
  await chmod(path, 0o600);
  await truncate(path, 4096);
  await formattedDisk(folder, task);
  expect(await headDigest(path)).toBe(digest);
  expect(await readdir(folder)).toHaveLength(1);
});

test("several that ask for it at once all get it", async () => {
  const paths = await Promise.all([1, 2, 3, 4].map(() => formattedDisk(folder, task)));
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(folder)).toHaveLength(1);
});

/** Of the superblock, group descriptors and first bitmaps. */
async function headDigest(path: string): Promise<string> {
  await using file = await open(path, "r");
  const { buffer } = await file.read(Buffer.alloc(8 * 1024 ** 2), 0, 8 * 1024 ** 2, 0);
  expect(buffer.readUInt16LE(1024 + 0x38)).toBe(0xef53);
  return createHash("sha256").update(buffer).digest("hex");
}
