// Proves that a manifest finds every path and nothing else, whatever the names and however long the list is.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatRecord, parseRecord, type SeedRecord } from "../../../../src/tree/seed/manifest-line.js";
import { openSeedManifest } from "../../../../src/tree/seed/manifest.js";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-manifest-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const name = fc.oneof(
  fc.string({ unit: byte, minLength: 1, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom("a", "/", "\n", "\\", "\xff"), minLength: 1, maxLength: 6 }),
  fc.string({ unit: byte, minLength: 3000, maxLength: 4096 }),
);
const record: fc.Arbitrary<SeedRecord> = fc.record({
  path: name,
  kind: fc.constantFrom("file", "directory", "symlink"),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  size: fc.nat(Number.MAX_SAFE_INTEGER),
  mtime: fc.nat(2 ** 32 - 1),
  sha256: fc.constantFrom("", "0".repeat(64)),
  target: name,
  group: fc.constantFrom("", "a\tb"),
});

function write(records: readonly SeedRecord[]): { path: string; sorted: readonly SeedRecord[] } {
  const sorted = records.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const path = join(home, "manifest");
  writeFileSync(path, Buffer.from(sorted.map(formatRecord).join(""), "latin1"));
  return { path, sorted };
}

async function listed(all: AsyncIterable<SeedRecord>): Promise<readonly SeedRecord[]> {
  const found: SeedRecord[] = [];
  for await (const one of all) found.push(one);
  return found;
}

test("a line gives back its record", () => {
  fc.assert(
    fc.property(record, (one) => {
      expect(parseRecord(formatRecord(one).slice(0, -1))).toEqual(one);
    }),
  );
});

test("each path is found, others are not, and a folder gives what is below it, for any names", async () => {
  const records = fc.uniqueArray(record, { selector: ({ path }) => path, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(records, fc.array(name, { maxLength: 5 }), async (made, others) => {
      const { path, sorted } = write(made);
      await using manifest = await openSeedManifest(path);
      for (const one of sorted) expect(await manifest.lookup(Buffer.from(one.path, "latin1"))).toEqual(one);
      for (const other of others) {
        const expected = sorted.find((one) => one.path === other);
        expect(await manifest.lookup(Buffer.from(other, "latin1"))).toEqual(expected);
        const below = sorted.filter((one) => one.path.startsWith(`${other}/`));
        expect(await listed(manifest.below(Buffer.from(other, "latin1")))).toEqual(below);
      }
      expect(await listed(manifest.below(Buffer.alloc(0)))).toEqual(sorted);
    }),
    { numRuns: 60 },
  );
}, 600_000);

test("in 50,000 lines the first, the last and those between are found, and their neighbours are not", async () => {
  const plain = {
    kind: "file",
    mode: 0o644,
    size: 1,
    mtime: 1,
    sha256: "0".repeat(64),
    target: "",
    group: "",
  } as const;
  const { path, sorted } = write(
    Array.from({ length: 50_000 }, (_, index) => ({ ...plain, path: `d${index % 100}/f${index}` })),
  );
  await using manifest = await openSeedManifest(path);
  for (const index of [0, 1, 24_999, 49_998, 49_999, ...Array.from({ length: 100 }, (_, step) => step * 499)]) {
    const one = sorted[index];
    if (one === undefined) throw new Error("no such line");
    expect(await manifest.lookup(Buffer.from(one.path))).toEqual(one);
    expect(await manifest.lookup(Buffer.from(`${one.path}!`))).toBeUndefined();
  }
  expect(await manifest.lookup(Buffer.from("zzz"))).toBeUndefined();
  expect(await manifest.lookup(Buffer.from("!"))).toBeUndefined();
  expect(await listed(manifest.below(Buffer.from("d7")))).toHaveLength(500);
});
