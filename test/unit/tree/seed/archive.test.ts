// Proves that an archive's seed is what tar would unpack, and that a hostile archive is refused by entry name with nothing kept.

import { execFileSync } from "node:child_process";
import {
  lutimesSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { ArchiveCheck } from "../../../../src/tree/seed/archive-check.js";
import { openSeedCache, type SeedCache } from "../../../../src/tree/seed/seed-cache.js";
import type { TarEntry } from "../../../../src/tree/tar/entry.js";
import { TarParser } from "../../../../src/tree/tar/parser.js";
import { encodeHeader, endMark, type WritableEntry } from "../../../../src/tree/tar/writer.js";
import { treeOf, unpack } from "./tree.js";

// The larger ones start some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let source: string;
let cache: SeedCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-seed-archive-"));
  source = join(home, "source");
  mkdirSync(join(source, "folder/empty"), { recursive: true });
  cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date() });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

type Sketch = Partial<WritableEntry> & { readonly path: string; readonly content?: string };

/** The bytes of an archive with these entries; a file unless said otherwise. */
function archiveOf(sketches: readonly Sketch[]): Buffer {
  const parts = sketches.map(({ content = "", ...sketch }) => {
    const entry = { kind: "file", mode: 0o644, mtime: 1000, target: "", size: content.length, ...sketch } as const;
    const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    padded.write(content, "latin1");
    return Buffer.concat([encodeHeader(entry), padded]);
  });
  return Buffer.concat([...parts, endMark]);
}

async function seedOf(archive: Buffer, name = "seed.tar") {
  const path = join(home, name);
  writeFileSync(path, archive);
  return cache.seedFromArchive(path, task);
}

function fillSource(): void {
  writeFileSync(join(source, "a file"), "content");
  writeFileSync(join(source, "folder", "x".repeat(255)), "long");
  writeFileSync(Buffer.from(`${source}/in\xffvalid\n`, "latin1"), "odd", { mode: 0o4711 });
  linkSync(join(source, "a file"), join(source, "folder/hard"));
  symlinkSync("../a file", join(source, "folder/link"));
  lutimesSync(join(source, "folder/link"), 1, 5);
  const deep = join(source, ...Array.from({ length: 5 }, () => "d".repeat(100)));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "deep"), "x".repeat(100_000));
}

for (const format of ["gnu", "pax", "posix", "ustar", "v7"]) {
  test(`an archive in ${format} format becomes what it was made of`, async () => {
    if (format === "ustar" || format === "v7") writeFileSync(join(source, "plain"), "x");
    else fillSource();
    execFileSync("tar", ["--create", `--format=${format}`, "--file", join(home, "seed.tar"), "-C", source, "."]);
    const seed = await cache.seedFromArchive(join(home, "seed.tar"), task);
    expect(treeOf(unpack(seed.imagePath, home))).toEqual(treeOf(source));
    expect(seed).toMatchObject({ mode: "archive", originRef: join(home, "seed.tar"), skipped: [], cached: false });
    expect((await cache.seedFromArchive(join(home, "seed.tar"), task)).cached).toBe(true);
  });
}

for (const [name, flag] of [
  ["seed.tar.gz", "--gzip"],
  ["seed.tgz", "--gzip"],
  ["seed.tar.zst", "--zstd"],
] as const) {
  test(`${name} gives the same seed as the plain archive`, async () => {
    fillSource();
    execFileSync("tar", ["--create", "--file", join(home, "plain.tar"), "-C", source, "."]);
    execFileSync("tar", ["--create", flag, "--file", join(home, name), "-C", source, "."]);
    const [plain, packed] = [join(home, "plain.tar"), join(home, name)].map((path) => cache.seedFromPath(path, task));
    expect((await packed)?.digest).toBe((await plain)?.digest);
  });
}

test("folders without an entry of their own are made", async () => {
  const seed = await seedOf(
    archiveOf([
      { path: "a/b/c", content: "x" },
      { path: "a", kind: "directory", mode: 0o700 },
    ]),
  );
  const tree = treeOf(unpack(seed.imagePath, home));
  expect(Object.entries(tree).map(([path, { kind, mode }]) => [path, kind, mode])).toEqual([
    ["a", "directory", "700"],
    ["a/b", "directory", "755"],
    ["a/b/c", "file", "644"],
  ]);
});

const link = (path: string, target: string): Sketch => ({ path, kind: "symlink", target });
const hard = (path: string, target: string): Sketch => ({ path, kind: "link", target });

const hostile: readonly (readonly [string, readonly Sketch[], RegExp])[] = [
  ["an absolute path", [{ path: "/etc/passwd" }], /"\/etc\/passwd" has an absolute path/u],
  ["a path with ..", [{ path: "a/../../b" }], /"a\/\.\.\/\.\.\/b" leads out/u],
  ["an absolute symbolic link", [link("a", "/etc")], /"a" is a symbolic link to the absolute path/u],
  ["a symbolic link that leaves", [link("a/b", "../../c")], /"a\/b" is a symbolic link that leaves/u],
  ["one that leaves through another", [link("a/b/s", "../.."), link("l", "a/b/s/../x")], /"l" .* through another/u],
  [
    "a file through a symbolic link",
    [link("a", "b"), { path: "a/c" }],
    /"a\/c" goes through a, which is a symbolic link/u,
  ],
  ["a file below a file", [{ path: "a" }, { path: "a/c" }], /"a\/c" goes through a, which is a file/u],
  ["a link over a folder", [{ path: "a/b" }, link("a", "c")], /"a" is there twice/u],
  ["a name twice", [{ path: "a" }, { path: "./a" }], /"\.\/a" is there twice/u],
  ["a hard link out", [hard("a", "../b")], /"a" leads out/u],
  ["a hard link to nothing", [hard("a", "b")], /"a" is a hard link to b, which is no earlier file/u],
  ["a hard link to an absolute path", [hard("a", "/etc/passwd")], /"a" has an absolute path/u],
  ["a hard link to a symbolic link from too high", [link("d/s", "../x"), hard("a", "d/s")], /"a" .* leaves/u],
  ["an empty name", [{ path: "" }], /"" has an empty name/u],
  ["the root as a file", [{ path: "./", kind: "symlink", target: "x" }], /is the root, but no folder/u],
  ["a long part", [{ path: "x".repeat(256) }], /has a part of over 255 bytes/u],
  ["a long name", [{ path: "x/".repeat(2100) }], /has a name of 4200 bytes/u],
];

for (const [what, sketches, message] of hostile) {
  test(`${what} is refused and nothing is kept`, async () => {
    const refused = seedOf(archiveOf([{ path: "harmless", content: "x" }, ...sketches]));
    await expect(refused).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(message) as string,
    });
    expect(["trees", "tmp", "keys"].flatMap((name) => readdirSync(join(home, "seeds", name)))).toEqual([]);
  });
}

test("devices, pipes, sparse files and unknown types are refused by name", async () => {
  for (const type of ["3", "4", "6", "S", "M", "D", "Z"]) {
    const archive = archiveOf([{ path: "thing" }]);
    archive.write(type, 156, "latin1");
    archive.write("        ", 148, "latin1");
    const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    await expect(seedOf(archive)).rejects.toThrow(/"thing" is (a|of)/u);
  }
});

test("damaged archives are refused: cut, garbled, no archive, wrong compression, trailing extension", async () => {
  const whole = archiveOf([{ path: "a", content: "x".repeat(3000) }]);
  const garbled = Buffer.from(whole);
  garbled[3] = 0x7a;
  const packed = gzipSync(whole);
  const cases = [
    Buffer.alloc(0),
    whole.subarray(0, 700),
    whole.subarray(0, -1024),
    garbled,
    Buffer.from("hello ".repeat(200)),
  ];
  const cut = [packed.subarray(0, packed.length - 10), Buffer.concat([Buffer.from("28b52ffd", "hex"), whole])];
  for (const bytes of [...cases, ...cut]) {
    await expect(seedOf(bytes)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/damaged/u) as string,
    });
  }
});

test("limits on entries and content hold, whatever the headers claim", () => {
  const entry = { path: "a", kind: "file", what: "", mode: 0, size: 10, mtime: 0, target: "" } as const;
  const check = new ArchiveCheck({ entries: 3, contentBytes: 25, nameBytes: 100, allNameBytes: 1000 });
  check.accept(entry);
  check.accept({ ...entry, path: "b" });
  expect(() => check.accept({ ...entry, path: "c" })).toThrow(/more than 25 bytes/u);
  expect(() => check.accept({ ...entry, path: "d", size: 0 })).toThrow(/more than 3 entries/u);
  const claimed = archiveOf([{ path: "huge", size: 21 * 1024 ** 3 }]);
  return expect(seedOf(claimed)).rejects.toThrow(/more than 21474836480 bytes/u);
});

test("an oversized extended header is refused before it is read", () => {
  const parser = new TarParser({ entry: () => undefined, content: () => undefined, entryEnd: () => undefined });
  const header = archiveOf([{ path: "x", size: 2 * 1024 * 1024 }]).subarray(0, 512);
  header.write("x", 156, "latin1");
  header.write("        ", 148, "latin1");
  header.write(
    `${header
      .reduce((total, byte) => total + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
    "latin1",
  );
  expect(() => parser.push(header)).toThrow(/extended header of 2097152 bytes/u);
});

const part = fc.constantFrom("a", "b", "c", "..", ".", "", "\xff", "long".repeat(70).slice(0, 255));
const anyPath = fc.array(part, { maxLength: 5 }).map((parts) => parts.join("/"));
const anyEntry: fc.Arbitrary<TarEntry> = fc.record({
  path: anyPath,
  kind: fc.constantFrom("file", "directory", "symlink", "symlink", "link", "other"),
  what: fc.constant("a device"),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  size: fc.constant(0),
  mtime: fc.integer(),
  target: anyPath,
});

/** Few names and many links, so that links lead through links. */
const fewNames = fc.constantFrom("a", "b");
const entangled: fc.Arbitrary<TarEntry> = fc.record({
  path: fc.array(fewNames, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
  kind: fc.constantFrom("symlink", "symlink", "directory"),
  what: fc.constant(""),
  mode: fc.constant(0o755),
  size: fc.constant(0),
  mtime: fc.constant(0),
  target: fc
    .array(fc.oneof(fewNames, fc.constant("..")), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/")),
});

/** A folder in a folder and so on, each with decoys: a link that leads out of the last one finds something there. */
function nestedFolder(): string {
  let folder = join(home, "out");
  for (let level = 0; level < 8; level++) {
    for (const name of ["a", "b", "c", "\xff", "long".repeat(70).slice(0, 255)]) {
      mkdirSync(Buffer.from(`${folder}/${name}`, "latin1"), { recursive: true });
    }
    folder = join(folder, "in");
  }
  mkdirSync(folder);
  return folder;
}

function unpackByHand(folder: string, entries: readonly WritableEntry[]): void {
  for (const { path, kind, target } of entries.toSorted(
    (a, b) => a.path.split("/").length - b.path.split("/").length,
  )) {
    const full = Buffer.from(`${folder}/${path}`, "latin1");
    if (kind === "directory") mkdirSync(full);
    else if (kind === "symlink") symlinkSync(Buffer.from(target, "latin1"), full);
    else writeFileSync(full, "", { flag: "wx" });
  }
}

/** All that passes the check; undefined when it refuses the archive in the end. */
function acceptedOf(entries: readonly TarEntry[]): readonly WritableEntry[] | undefined {
  const check = new ArchiveCheck();
  const accepted: WritableEntry[] = [];
  for (const entry of entries) {
    try {
      const one = check.accept(entry);
      if (one !== undefined) accepted.push(one);
    } catch {
      // As an archive without that entry.
    }
  }
  try {
    return [...accepted, ...[...check.finish()].flatMap((entry) => entry ?? [])];
  } catch {
    return undefined;
  }
}

test("whatever passes the check stays inside when unpacked, each link followed by the kernel", () => {
  const folder = nestedFolder();
  let followed = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(anyEntry, entangled, entangled), { maxLength: 12 }), (entries) => {
      const accepted = acceptedOf(entries) ?? [];
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      unpackByHand(folder, accepted);
      for (const { path, kind } of accepted) {
        if (kind !== "symlink") continue;
        let place: string;
        try {
          place = realpathSync.native(Buffer.from(`${folder}/${path}`, "latin1"), { encoding: "latin1" });
        } catch {
          // It leads nowhere, or in a circle.
          continue;
        }
        followed += 1;
        expect(`${place}/`).toContain(`${folder}/`);
      }
    }),
    { numRuns: 1000 },
  );
  expect(followed).toBeGreaterThan(20);
});

test("any bytes and any cutting into chunks end in entries or a refusal, never another error", () => {
  const archive = archiveOf([
    { path: "p".repeat(150), content: "one" },
    { path: "l", kind: "symlink", target: "t".repeat(200) },
    { path: "d", kind: "directory" },
    { path: "f", content: "x".repeat(1500) },
  ]);
  const events = (chunks: readonly Buffer[]): string[] => {
    const seen: string[] = [];
    const parser = new TarParser({
      entry: ({ path, kind, size, target }) => seen.push(`${path} ${kind} ${size} ${target} `),
      content: (piece) => (seen[seen.length - 1] += piece.toString("latin1")),
      entryEnd: () => (seen[seen.length - 1] += " end"),
    });
    for (const chunk of chunks) parser.push(chunk);
    parser.end();
    return seen;
  };
  const whole = events([archive]);
  expect(whole).toHaveLength(4);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: archive.length })), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), archive.length];
      expect(events(places.slice(1).map((end, index) => archive.subarray(places[index], end)))).toEqual(whole);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1 }), (changes) => {
      const broken = Buffer.from(archive);
      for (const [at, byte] of changes) broken[at] = byte;
      const ended = ((): unknown => {
        try {
          return events([broken]);
        } catch (error) {
          return error instanceof PyroError ? error.code : error;
        }
      })();
      expect(Array.isArray(ended) || ended === "invalid_argument").toBe(true);
    }),
  );
});
