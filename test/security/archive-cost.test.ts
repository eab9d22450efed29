// Proves that an archive costs no more than its size tells: extended headers, deep names and implied folders are bounded; and that random ones are refused or sane.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { sortedInTurns } from "../../src/base/in-turns.js";
import { openWithin } from "../../src/base/host-roots.js";
import { ArchiveCheck, archiveLimits } from "../../src/tree/seed/archive-check.js";
import type { EntrySink } from "../../src/tree/tar/sink.js";
import { readArchive } from "../../src/tree/seed/read-archive.js";
import type { TarEntry } from "../../src/tree/tar/entry.js";
import type { WritableEntry } from "../../src/tree/tar/writer.js";

/** Archives that the last test tries; `make soak` asks for more. */
const runs = Number(process.env["PYRO_FUZZ_RUNS"] ?? 1000);
const seed = Number(process.env["PYRO_FUZZ_SEED"] ?? 10);

/** A busy machine takes 20 ms for an archive. */
vi.setConfig({ testTimeout: 600_000 + runs * 100 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "pyro-archive-cost-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

interface RawEntry {
  readonly type: string;
  readonly name: string;
  readonly content: string;
  readonly target: string;
  readonly mode: number;
  /** As the header states it; the content's own length where it is undefined. */
  readonly size: number | undefined;
}

const plain = { type: "0", name: "a", content: "", target: "", mode: 0o644, size: undefined };

function raw(entry: Partial<RawEntry>): Buffer {
  const { type, name, content, target, mode, size } = { ...plain, ...entry };
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number) =>
    `${Math.abs(value).toString(8).padStart(digits, "0").slice(-digits)}\0`;
  block.write(name.slice(0, 100), 0, "latin1");
  block.write(octal(mode, 7), 100, "latin1");
  block.write(`${octal(size ?? content.length, 11)}${octal(0, 11)}        ${type}`, 124, "latin1");
  block.write(target.slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
    "latin1",
  );
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content, "latin1");
  return Buffer.concat([block, padded]);
}

const end = Buffer.alloc(1024);

function paxOf(records: readonly (readonly [string, string])[]): string {
  return records
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      const length = [1, 2, 3, 4, 5, 6, 7]
        .map((digits) => rest.length + digits)
        .find((all) => String(all).length + rest.length === all);
      return `${length}${rest}`;
    })
    .join("");
}

/** Everything that would enter a seed. */
class Kept implements EntrySink {
  readonly entries: WritableEntry[] = [];
  bytes = 0;
  add(entry: WritableEntry): void {
    this.entries.push(entry);
  }
  write(piece: Buffer): void {
    this.bytes += piece.length;
  }
  end(): void {
    // Nothing is kept open.
  }
  async ready(): Promise<void> {
    // Takes everything.
  }
}

async function read(archive: Buffer): Promise<Kept> {
  const path = join(home, "seed.tar");
  writeFileSync(path, archive);
  const kept = new Kept();
  await using file = await openWithin(path, { roots: undefined, field: "seed_path" });
  await readArchive(kept, { file, task });
  return kept;
}

const refused = (message: RegExp) => ({ code: "invalid_argument", message: expect.stringMatching(message) as string });

test("extended headers without entries are refused after a megabyte of them", async () => {
  const keys = Array.from({ length: 4000 }, (_, index) => [`key.${index}`, "x".repeat(200)] as const);
  const header = raw({ type: "x", content: paxOf(keys) });
  const archive = Buffer.concat([...Array.from({ length: 60 }, () => header), raw({}), end]);
  await expect(read(gzipSync(archive))).rejects.toMatchObject(refused(/extended headers of one entry exceed/u));
  const empty = Buffer.concat(Array.from({ length: 4000 }, () => raw({ type: "x" })));
  await expect(read(empty)).rejects.toMatchObject(refused(/extended headers of one entry exceed/u));
});

test("an archive that is mostly extended headers is refused, and one with many records", async () => {
  const long = raw({ type: "g", content: paxOf([["comment", "x".repeat(500_000)]]) });
  const each = Array.from({ length: 60 }, (_, index) => [long, raw({ name: `f${index}` })]).flat();
  await expect(read(Buffer.concat([...each, end]))).rejects.toMatchObject(refused(/mostly extended headers/u));
  const records = Array.from({ length: 5000 }, () => ["a", ""] as const);
  const many = Buffer.concat([raw({ type: "x", content: paxOf(records) }), raw({}), end]);
  await expect(read(many)).rejects.toMatchObject(refused(/more than 4096 records/u));
});

test("attributes in every entry of a large archive are no reason to refuse it", async () => {
  const attributes = raw({ type: "x", content: paxOf([["SCHILY.xattr.user.x", "y".repeat(8000)]]) });
  const each = Array.from({ length: 4000 }, (_, index) => [attributes, raw({ name: `f${index}` })]).flat();
  expect((await read(gzipSync(Buffer.concat([...each, end])))).entries).toHaveLength(4000);
});

test("folders in one another are 256 at most, by whichever name", async () => {
  const deep = (levels: number) => "d/".repeat(levels - 1);
  const long = (name: string) => raw({ type: "L", content: `${name}\0` });
  const accepted = await read(Buffer.concat([long(`${deep(256)}f`), raw({}), end]));
  expect(accepted.entries).toHaveLength(256);
  for (const archive of [
    [long(`${deep(257)}f`), raw({})],
    [long(deep(258)), raw({ type: "5" })],
    [raw({ type: "x", content: paxOf([["path", `${deep(2000)}f`]]) }), raw({})],
    [raw({ name: "f" }), raw({ type: "K", content: `${deep(257)}f\0` }), raw({ type: "1", name: "g" })],
  ]) {
    await expect(read(Buffer.concat([...archive, end]))).rejects.toMatchObject(refused(/nested more than 256 deep/u));
  }
});

test("folders that only names tell of count as entries, and names count together", () => {
  const entry = { path: "a", kind: "file", what: "", mode: 0, size: 0, mtime: 0, target: "" } as const;
  const implied = new ArchiveCheck({ ...archiveLimits, entries: 10 });
  implied.accept({ ...entry, path: "a/b/c/d/e/f/g/h/i/j" });
  expect(() => implied.accept(entry)).toThrow(/more than 10 entries/u);
  const outright = new ArchiveCheck({ ...archiveLimits, entries: 10 });
  expect(() => outright.accept({ ...entry, path: "a/b/c/d/e/f/g/h/i/j/k" })).toThrow(/more than 10 entries/u);
  const named = new ArchiveCheck({ ...archiveLimits, allNameBytes: 100 });
  named.accept({ ...entry, path: "x".repeat(60) });
  const target = "y".repeat(40);
  expect(() => named.accept({ ...entry, path: "l", kind: "symlink", target })).toThrow(/names of more than 100 bytes/u);
});

test("whoever ends an archive may let others work between its links", () => {
  const check = new ArchiveCheck();
  const link = { kind: "symlink", what: "", mode: 0, size: 0, mtime: 0, target: "0" } as const;
  for (let index = 0; index < 1000; index++) check.accept({ ...link, path: `l${index}` });
  expect([...check.finish()]).toEqual(Array.from({ length: 1000 }, () => undefined));
});

test("one link that leads through too many others is refused", () => {
  const check = new ArchiveCheck();
  const plainEntry: TarEntry = { path: "", kind: "symlink", what: "", mode: 0, size: 0, mtime: 0, target: "" };
  check.accept({ ...plainEntry, path: "last", target: "." });
  for (let index = 0; index < 39; index++) {
    const next = index === 0 ? "last" : `l${index - 1}`;
    check.accept({ ...plainEntry, path: `l${index}`, target: `${"d/".repeat(800)}${"../".repeat(800)}${next}` });
  }
  expect(() => [...check.finish()]).toThrow(/lead through too many others/u);
});

test("what follows an archive's end is bounded", async () => {
  expect((await read(Buffer.concat([raw({}), end, Buffer.alloc(1024 * 1024)]))).entries).toHaveLength(1);
  const endless = gzipSync(Buffer.concat([raw({}), end, Buffer.alloc(64 * 1024 * 1024)]));
  await expect(read(endless)).rejects.toMatchObject(refused(/too much follows its end/u));
});

test("sorting in turns is sorting", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string(), { maxLength: 50 }), async (some) => {
      const strings = Array.from({ length: 700 }, (_, round) => some.map((each) => each + String(round % 7))).flat();
      expect(await sortedInTurns(strings)).toEqual(strings.toSorted());
    }),
    { numRuns: 20, seed },
  );
});

const seldom = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const part = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c", "\xff\n", "x".repeat(100)) },
  { weight: 1, arbitrary: fc.constantFrom("..", ".", "", "x".repeat(256), "\0", "d/".repeat(200)) },
);
const anyName = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const anyPax = fc
  .array(
    fc.tuple(
      fc.constantFrom("path", "linkpath", "size", "mtime", "GNU.sparse.major", "SCHILY.xattr.a", ""),
      fc.oneof(anyName, fc.constantFrom("1", "-1", "1e9", "99999999999999999999", "0x10", "1.5")),
    ),
    { maxLength: 4 },
  )
  .map(paxOf);
const anyRaw: fc.Arbitrary<Buffer> = fc
  .record({
    type: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom("0", "0", "1", "2", "5", "5", "L", "x") },
      { weight: 1, arbitrary: fc.constantFrom("7", "g", "K", "S", "3", "6", "\0", "V", "Z") },
    ),
    name: anyName,
    target: anyName,
    mode: fc.integer({ min: 0, max: 0o77777 }),
    content: fc.oneof(
      anyPax,
      anyName.map((name) => `${name}\0`),
      fc.string({ maxLength: 1500 }),
      fc.constant(""),
    ),
    size: seldom(fc.integer({ min: 0, max: 2 ** 30 })),
  })
  .map(raw);
const anyArchive = fc.record({
  entries: fc.array(anyRaw, { maxLength: 8 }),
  flip: seldom(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))),
  cut: seldom(fc.nat()),
  packed: fc.boolean(),
});

function build({
  entries,
  flip,
  cut,
  packed,
}: typeof anyArchive extends fc.Arbitrary<infer Value> ? Value : never): Buffer {
  const bytes = Buffer.concat([...entries, end]);
  const whole = packed ? gzipSync(bytes, { level: 1 }) : bytes;
  if (flip !== undefined) {
    const index = flip[0] % whole.length;
    whole[index] = (whole[index] ?? 0) ^ flip[1];
  }
  return cut === undefined ? whole : whole.subarray(0, cut % whole.length);
}

/** What is wrong with entries from which a seed's image is made, whoever wrote the archive; empty when nothing is. */
function faultsOf(entries: readonly WritableEntry[]): readonly string[] {
  const kinds = new Map<string, string>();
  const faults: string[] = [];
  const check = (fine: boolean, what: string) => void (fine || faults.push(what));
  for (const { path, kind, target } of entries) {
    const parts = path.split("/");
    check(!parts.some((each) => ["", ".", ".."].includes(each) || each.includes("\0")), `${path} is no clean path`);
    check(parts.length <= 256, `${path} is too deep`);
    check(!kinds.has(path), `${path} is there twice`);
    check(kind !== "link" || kinds.get(target) === "file", `${path} links to no file`);
    check(kind !== "symlink" || !/^\/|^$|\0/u.test(target), `${path} leads out`);
    kinds.set(path, kind === "link" ? "file" : kind);
  }
  for (const path of kinds.keys()) {
    const above = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    check(above === "" || kinds.get(above) === "directory", `${path} lies in no folder`);
  }
  return faults;
}

test(`${runs} random archives are refused in words or sane`, async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(anyArchive, async (sketch) => {
      const kept = await read(build(sketch)).catch((error: unknown) => error);
      const isSeed = kept instanceof Kept;
      accepted += isSeed ? 1 : 0;
      const isRefused = kept instanceof PyroError && kept.code === "invalid_argument";
      expect(isSeed ? faultsOf(kept.entries) : isRefused || kept).toEqual(isSeed ? [] : true);
    }),
    { numRuns: runs, seed },
  );
  expect(accepted).toBeGreaterThan(runs / 50);
});
