// Proves that a folder's seed holds exactly what the folder holds, is made once, and is never taken for another's.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
} from "node:fs";
import { rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeedManifest } from "../../../../src/tree/seed/manifest.js";
import { openSeedCache, type SeedCache } from "../../../../src/tree/seed/seed-cache.js";
import { asUnpacked, treeOf, unpack } from "./tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let source: string;
let now: Date;
let cache: SeedCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-seed-"));
  source = join(home, "source");
  mkdirSync(source);
  now = new Date();
  cache = openSeedCache({ root: join(home, "seeds"), clock: () => now });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const raw = (name: string) => Buffer.concat([Buffer.from(`${source}/`), Buffer.from(name, "latin1")]);
const later = (seconds: number) => (now = new Date(Date.now() + seconds * 1000));

test("odd names, modes, times, links and empty folders come out as they went in", async () => {
  const deep = Array.from({ length: 6 }, () => "y".repeat(200)).join("/");
  mkdirSync(raw(deep), { recursive: true });
  mkdirSync(raw("a\xff\xfe/b"), { recursive: true });
  mkdirSync(raw("empty"));
  chmodSync(raw("empty"), 0o1777);
  const files = [
    "a\xff\xfe/b/new\nline",
    "x".repeat(255),
    `${deep}/f`,
    " lead",
    "back\\slash",
    "-dash",
    "tab\t",
    "\x01",
  ];
  for (const name of files) writeFileSync(raw(name), `content of ${name}`);
  chmodSync(raw(" lead"), 0o4750);
  utimesSync(raw("-dash"), 1, 1_000_000_000);
  linkSync(raw("x".repeat(255)), raw("hard"));
  linkSync(raw("hard"), raw("a\xff\xfe/hard2"));
  symlinkSync(Buffer.from("\xff".repeat(200), "latin1"), raw("link"));
  symlinkSync("/etc/passwd", raw("absolute"));
  lutimesSync(raw("link"), 1, 1_234_567_890);
  const seed = await cache.seedFromDirectory(source, task);
  expect(asUnpacked(treeOf(unpack(seed.imagePath, home)))).toEqual(asUnpacked(treeOf(source)));
  expect(seed).toMatchObject({ mode: "directory", originRef: source, fileCount: 12, skipped: [], cached: false });
});

test("sockets and pipes are skipped with the reason, and so is what is below them in vain", async () => {
  writeFileSync(raw("file"), "x");
  execFileSync("mkfifo", [join(source, "pipe")]);
  const server = createServer().listen(join(source, "socket"));
  await new Promise((resolve) => server.once("listening", resolve));
  const seed = await cache.seedFromDirectory(source, task);
  server.close();
  expect(seed.skipped).toEqual(
    [
      { path: "pipe", reason: "a named pipe" },
      { path: "socket", reason: "a socket" },
    ].map((entry) => expect.objectContaining(entry)),
  );
  expect(Object.keys(treeOf(unpack(seed.imagePath, home)))).toEqual(["file"]);
});

test("the same tree is made once; a change of content, mode or name makes another", async () => {
  writeFileSync(raw("file"), "one");
  utimesSync(raw("file"), 1, 1000);
  later(10);
  const first = await cache.seedFromDirectory(source, task);
  const again = await cache.seedFromDirectory(source, task);
  expect([first.cached, again.cached]).toEqual([false, true]);
  expect({ ...again, cached: false }).toEqual(first);
  chmodSync(raw("file"), 0o600);
  const mode = await cache.seedFromDirectory(source, task);
  mkdirSync(raw("folder"));
  const folder = await cache.seedFromDirectory(source, task);
  expect(new Set([first, mode, folder].map(({ digest }) => digest)).size).toBe(3);
  rmSync(raw("folder"), { recursive: true });
  chmodSync(raw("file"), 0o644);
  const back = await cache.seedFromDirectory(source, task);
  expect(back.digest).toBe(first.digest);
});

test("a file written twice within one tick of the clock is not taken for what it was", async () => {
  for (let round = 0; round < 10; round++) {
    writeFileSync(raw("file"), `content ${round}`);
    now = new Date();
    const seed = await cache.seedFromDirectory(source, task);
    await using manifest = await openSeedManifest(seed.manifestPath);
    const tree = treeOf(source);
    expect((await manifest.lookup(Buffer.from("file")))?.sha256).toBe(tree["file"]?.content);
  }
});

test("what was just written is compared by content, and trusted by its metadata later on", async () => {
  writeFileSync(raw("file"), "one");
  const first = await cache.seedFromDirectory(source, task);
  const second = await cache.seedFromDirectory(source, task);
  later(10);
  const third = await cache.seedFromDirectory(source, task);
  expect([first.cached, second.cached, third.cached]).toEqual([false, true, true]);
});

test("two calls at once make one image", async () => {
  for (let index = 0; index < 200; index++) writeFileSync(raw(`file-${index}`), String(index).repeat(1000));
  const other = openSeedCache({ root: join(home, "seeds"), clock: () => now });
  const seeds = await Promise.all([cache, other, cache].map((one) => one.seedFromDirectory(source, task)));
  expect(seeds.filter(({ cached }) => cached)).toHaveLength(2);
  expect(readdirSync(join(home, "seeds", "trees"))).toEqual([seeds[0]?.digest]);
});

test("a canceled call leaves nothing and the next one works", async () => {
  for (let index = 0; index < 300; index++) writeFileSync(raw(`file-${index}`), String(index).repeat(20_000));
  const canceled = new AbortController();
  const progress = ({ done }: { done?: number }) => void (done !== undefined && canceled.abort());
  await expect(cache.seedFromDirectory(source, { signal: canceled.signal, progress })).rejects.toThrow(/abort/u);
  expect(["trees", "tmp", "keys"].flatMap((name) => readdirSync(join(home, "seeds", name)))).toEqual([]);
  expect((await cache.seedFromDirectory(source, task)).fileCount).toBe(300);
});

test("a damaged seed is made again", async () => {
  writeFileSync(raw("file"), "one");
  const first = await cache.seedFromDirectory(source, task);
  chmodSync(first.imagePath, 0o600);
  truncateSync(first.imagePath, 100);
  const second = await cache.seedFromDirectory(source, task);
  expect(second).toMatchObject({ cached: false, digest: first.digest });
  expect(statSync(second.imagePath).size).toBe(second.imageBytes);
});

test("a file that grows while it is read does not fail the seed", async () => {
  for (let index = 0; index < 50; index++) writeFileSync(raw(`file-${index}`), "x".repeat(300_000));
  const progress = () => appendFileSync(raw("file-49"), "more");
  const seed = await cache.seedFromDirectory(source, { ...task, progress });
  expect(seed.fileCount).toBe(50);
  expect(treeOf(unpack(seed.imagePath, home))["file-0"]).toEqual(treeOf(source)["file-0"]);
});

test("a file that shrinks while it is read is read again, and one that always does is an error", async () => {
  const [whole, cut] = [20_000_000, 9_000_000];
  writeFileSync(raw("file"), Buffer.alloc(whole, "x"));
  // Again would change its time, which the source is compared by.
  const isWhole = () => statSync(raw("file")).size === whole;
  const shrinkOnce = ({ done }: { done?: number }) =>
    void (done !== undefined && isWhole() && truncateSync(raw("file"), cut));
  const seed = await cache.seedFromDirectory(source, { ...task, progress: shrinkOnce });
  expect(seed.byteCount).toBe(cut);
  expect(treeOf(unpack(seed.imagePath, home))).toEqual(treeOf(source));
  const shrinkAlways = ({ done }: { done?: number }) => truncateSync(raw("file"), done === undefined ? whole : cut);
  const never = cache.seedFromDirectory(source, { ...task, progress: shrinkAlways });
  await expect(never).rejects.toMatchObject({ code: "unavailable" });
  expect(readdirSync(join(home, "seeds", "tmp"))).toEqual([]);
});

test("a file that vanishes before it is read is skipped and named", async () => {
  writeFileSync(raw("a"), Buffer.alloc(20_000_000, "x"));
  writeFileSync(raw("b"), "x");
  const progress = ({ done }: { done?: number }) => void (done !== undefined && rmSync(raw("b"), { force: true }));
  const seed = await cache.seedFromDirectory(source, { ...task, progress });
  expect(seed.skipped).toEqual([{ path: "b", reason: "vanished while it was read" }]);
});

test("prune keeps what is named or was asked for within the hour", async () => {
  const digests: string[] = [];
  for (const name of ["one", "two", "three"]) {
    writeFileSync(raw("file"), name);
    digests.push((await cache.seedFromDirectory(source, task)).digest);
  }
  const [one = "", two = "", three = ""] = digests;
  expect((await cache.prune(new Set(), task.signal)).removed).toEqual([]);
  later(7200);
  const pruned = await cache.prune(new Set([one, three]), task.signal);
  expect(pruned.removed).toEqual([two]);
  expect(pruned.freedBytes).toBeGreaterThan(0);
  expect(readdirSync(join(home, "seeds", "trees")).toSorted()).toEqual([one, three].toSorted());
  expect(existsSync(join(home, "seeds", "tmp", "gone"))).toBe(false);
});

test("an empty seed is a seed", async () => {
  const seed = await cache.emptySeed(task);
  expect(seed).toMatchObject({ mode: "empty", originKind: "none", fileCount: 0, byteCount: 0 });
  expect(treeOf(unpack(seed.imagePath, home))).toEqual({});
  expect((await cache.emptySeed(task)).cached).toBe(true);
});

test("what does not exist, or is neither folder nor archive, is refused", async () => {
  writeFileSync(raw("file"), "x");
  for (const path of [join(source, "file"), join(source, "none")]) {
    await expect(cache.seedFromPath(path, task)).rejects.toMatchObject({ code: "invalid_argument" });
  }
});

const name = fc
  .oneof(
    fc.string({
      minLength: 1,
      maxLength: 12,
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    }),
    fc.constantFrom("a", "b", "c", "x".repeat(255)),
  )
  .map((text) => text.replaceAll("/", "_"))
  .filter((text) => text !== "." && text !== ".." && text !== ".git");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const step = fc.record({
  path,
  kind: fc.constantFrom("file", "file", "file", "folder", "symlink", "link"),
  content: fc.uint8Array({ maxLength: 2000 }),
  // What its owner cannot read is skipped, but for root.
  mode: fc.integer({ min: 0, max: 0o7777 }).map((mode) => mode | 0o700),
  mtime: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});

function make(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): void {
  const made: string[] = [];
  for (const { path, kind, content, mode, mtime } of steps) {
    try {
      mkdirSync(raw(path.split("/").slice(0, -1).join("/")), { recursive: true });
      if (kind === "folder") mkdirSync(raw(path));
      else if (kind === "symlink") symlinkSync(Buffer.from(made[0] ?? "nowhere", "latin1"), raw(path));
      else if (kind === "link") linkSync(raw(made[0] ?? ""), raw(path));
      else writeFileSync(raw(path), content, { flag: "wx" });
      if (kind === "file") made.push(path);
      if (kind === "symlink") lutimesSync(raw(path), 1, mtime);
      else {
        chmodSync(raw(path), mode);
        utimesSync(raw(path), 1, mtime);
      }
    } catch {
      // Names that exclude each other: whatever came first stays.
    }
  }
  // A folder's time is no reason for another image, so that trees which differ in that alone share one.
  for (const [folder, { kind }] of Object.entries(treeOf(source))) {
    if (kind === "directory") utimesSync(raw(folder), 1, 1_600_000_000);
  }
}

test("any tree comes out as it went in, and its manifest says the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      rmSync(source, { recursive: true, force: true });
      mkdirSync(source);
      make(steps);
      const seed = await cache.seedFromDirectory(source, task);
      const tree = treeOf(source);
      expect(asUnpacked(treeOf(unpack(seed.imagePath, home)))).toEqual(asUnpacked(tree));
      await using manifest = await openSeedManifest(seed.manifestPath);
      const listed: string[] = [];
      for await (const record of manifest.below(Buffer.alloc(0))) {
        listed.push(record.path);
        const { kind, mode, mtime, content } = tree[record.path] ?? {};
        const said = { kind: record.kind, mode: record.mode.toString(8), mtime: record.mtime };
        expect({ ...said, content: record.sha256 + record.target }).toEqual({ kind, mode, mtime, content });
        expect(await manifest.lookup(Buffer.from(record.path, "latin1"))).toEqual(record);
      }
      expect(listed).toEqual(Object.keys(tree).toSorted((a, b) => (a < b ? -1 : 1)));
    }),
    { numRuns: 40 },
  );
});
