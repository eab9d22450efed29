// Proves that an export holds what the archive says, and that no archive, abort or kill makes it touch anything else.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { type Exports, openExports } from "../../../../src/tree/export/exports.js";
import { type ExportRequest, extractExport } from "../../../../src/tree/export/extract.js";
import { applyEdits, tree } from "../diff/edits.js";
import { snapshotTree, walkTree } from "../diff/overlay.js";
import { type TestEntry, realTar, streamOf, tarOf } from "./tar.js";

let root: string;
let parent: string;
let exports: Exports;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "pyro-export-test-"));
  parent = join(root, "out");
  mkdirSync(parent);
  mkdirSync(join(root, "state"));
  exports = await openExports(join(root, "state"));
  writeFileSync(join(root, "victim"), "untouched");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function request(
  entries: readonly TestEntry[] | AsyncIterable<Uint8Array>,
  changes: Partial<ExportRequest> = {},
): ExportRequest {
  return {
    stream: Array.isArray(entries) ? streamOf(tarOf(entries)) : (entries as AsyncIterable<Uint8Array>),
    target: join(parent, "result"),
    contentOnly: false,
    force: false,
    limits: { maxEntries: 10_000, maxBytes: 1_000_000 },
    allowedRoots: undefined,
    exports,
    signal: new AbortController().signal,
    ...changes,
  };
}

async function refusal(
  entries: readonly TestEntry[] | AsyncIterable<Uint8Array>,
  changes: Partial<ExportRequest> = {},
): Promise<string> {
  try {
    await extractExport(request(entries, changes));
  } catch (error) {
    if (error instanceof PyroError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

const folder: TestEntry = { name: "d/", type: "5", mode: 0o755 };

describe("what comes out", () => {
  test("a file, with its mode, time and content, and without setuid", async () => {
    const result = await extractExport(request([{ name: "f", content: "hello", mode: 0o4755, mtime: 1_600_000_000 }]));
    const stat = statSync(join(parent, "result"));
    expect([readFileSync(join(parent, "result"), "utf8"), stat.mode & 0o7777, stat.mtimeMs]).toStrictEqual([
      "hello",
      0o755,
      1.6e12,
    ]);
    expect(result).toStrictEqual({
      kind: "file",
      file_count: 1,
      folder_count: 0,
      symlink_count: 0,
      byte_count: 5,
      skipped: [],
      skipped_count: 0,
    });
    expect(readdirSync(parent)).toStrictEqual(["result"]);
  });

  test("a read-only folder with files, links as they are, hard links, and what cannot be exported named", async () => {
    const entries: TestEntry[] = [
      { ...folder, mode: 0o2555, mtime: 1_500_000_000 },
      { name: "d/f", content: "x" },
      { name: "d/same", type: "1", target: "d/f" },
      { name: "d/out", type: "2", target: "/etc/passwd" },
      { name: "d/out-again", type: "1", target: "d/out" },
      { name: "d/pipe", type: "6" },
      { name: "d/null", type: "3" },
      { name: "d/deep/er/f", content: "y" },
    ];
    const result = await extractExport(request(entries));
    const at = (name: string): string => join(parent, "result", name);
    expect(result).toMatchObject({
      kind: "directory",
      file_count: 3,
      folder_count: 3,
      symlink_count: 2,
      skipped_count: 2,
    });
    expect(result.skipped).toStrictEqual([
      { path: "pipe", reason: "a named pipe" },
      { path: "null", reason: "a character device" },
    ]);
    expect(statSync(at(".")).mode & 0o7777).toBe(0o555);
    expect(statSync(at(".")).mtimeMs).toBe(1.5e12);
    expect(statSync(at("f")).ino).toBe(statSync(at("same")).ino);
    expect([readlinkSync(at("out")), readlinkSync(at("out-again"))]).toStrictEqual(["/etc/passwd", "/etc/passwd"]);
    expect(readFileSync(at("deep/er/f"), "utf8")).toBe("y");
    chmodSync(at("."), 0o755);
  });

  test("no repository: .git as a folder, a file or a link, at any depth and in any letter case", async () => {
    const entries: TestEntry[] = [
      folder,
      { name: "d/f", content: "x" },
      { name: "d/.git/", type: "5", mode: 0o755 },
      { name: "d/.git/config", content: "[core]\n\tfsmonitor = ./run-me\n" },
      { name: "d/.git/hooks/pre-commit", content: "#!/bin/sh\n", mode: 0o755 },
      { name: "d/sub/.GIT", content: "gitdir: ../elsewhere\n" },
      { name: "d/link/.git", type: "2", target: "../elsewhere" },
      { name: "d/.gitignore", content: "y" },
    ];
    const result = await extractExport(request(entries));
    const reason = "a repository: its hooks and settings could run on the host";
    expect(result.skipped).toStrictEqual([".git", "sub/.GIT", "link/.git"].map((path) => ({ path, reason })));
    expect(Object.keys(snapshotTree(join(parent, "result")))).toStrictEqual([".gitignore", "f"]);
  });

  test("a single symbolic link stays one", async () => {
    await extractExport(request([{ name: "l", type: "2", target: "../victim" }]));
    expect(readlinkSync(join(parent, "result"))).toBe("../victim");
  });

  test("contents only: names are relative to the folder itself, and none makes an empty one", async () => {
    await extractExport(
      request(
        [
          { name: "a/b", content: "1" },
          { name: "./c", content: "2" },
        ],
        { contentOnly: true },
      ),
    );
    expect(Object.keys(snapshotTree(join(parent, "result")))).toStrictEqual(["a/b", "c"]);
    const empty = await extractExport(request([], { contentOnly: true, target: join(parent, "empty") }));
    expect([empty.kind, readdirSync(join(parent, "empty"))]).toStrictEqual(["directory", []]);
  });

  test("random trees packed by GNU tar come out the same, odd names and all", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (script) => {
        const source = mkdtempSync(join(root, "source-"));
        mkdirSync(join(source, "t"));
        applyEdits(join(source, "t"), script);
        const target = join(source, "copy");
        await extractExport(request(realTar(source, "t"), { target }));
        const attributes = (base: string) =>
          [...walkTree(base)].map(([path, stat]) => [path, stat.mode, stat.nlink, Math.floor(stat.mtimeMs / 1000)]);
        expect(attributes(target)).toStrictEqual(attributes(join(source, "t")));
        expect(snapshotTree(target)).toStrictEqual(snapshotTree(join(source, "t")));
        rmSync(source, { recursive: true, force: true });
      }),
      { numRuns: Number(process.env["PYRO_PROPERTY_RUNS"] ?? 12) },
    );
  });
});

describe("hostile archives are refused, and leave nothing", () => {
  const cases: Record<string, TestEntry[]> = {
    "absolute name": [{ name: "/tmp/evil", content: "x" }],
    "name with ..": [folder, { name: "d/../../victim", content: "x" }],
    "only ..": [{ name: "..", type: "5" }],
    "second root": [folder, { name: "victim", content: "x" }],
    "NUL in a name": [folder, { name: "d/a\0b", content: "x" }],
    "file through a link": [folder, { name: "d/l", type: "2", target: "../.." }, { name: "d/l/victim", content: "x" }],
    "folder through a link": [folder, { name: "d/l", type: "2", target: "/tmp" }, { name: "d/l/", type: "5" }],
    "root is a link, then a file below": [
      { name: "d", type: "2", target: ".." },
      { name: "d/victim", content: "x" },
    ],
    "file over a link": [folder, { name: "d/l", type: "2", target: "../../victim" }, { name: "d/l", content: "x" }],
    "link over a folder": [folder, { name: "d/e/", type: "5" }, { name: "d/e", type: "2", target: ".." }],
    "file below a file": [folder, { name: "d/f", content: "x" }, { name: "d/f/g", content: "x" }],
    "the same file twice": [folder, { name: "d/f", content: "x" }, { name: "d/f", content: "y" }],
    "hard link out": [folder, { name: "d/h", type: "1", target: "../victim" }],
    "hard link to an absolute path": [folder, { name: "d/h", type: "1", target: "/etc/passwd" }],
    "file through a second name of a link": [
      folder,
      { name: "d/l", type: "2", target: "../.." },
      { name: "d/h", type: "1", target: "d/l" },
      { name: "d/h/victim", content: "x" },
    ],
    "hard link to what comes later": [folder, { name: "d/h", type: "1", target: "d/f" }, { name: "d/f", content: "x" }],
    "link without a target": [folder, { name: "d/l", type: "2" }],
    "empty name": [folder, { name: "", content: "x" }],
    "name too long": [folder, { name: `d/${"n".repeat(256)}`, content: "x" }],
    "only a device": [{ name: "null", type: "3" }],
    "nothing at all": [],
  };
  for (const [name, entries] of Object.entries(cases)) {
    test(`refused: ${name}`, async () => {
      expect(await refusal(entries)).toMatch(/^failed_precondition: /u);
      expect(readdirSync(parent)).toStrictEqual([]);
      expect(readFileSync(join(root, "victim"), "utf8")).toBe("untouched");
    });
  }

  test("too many entries, too many bytes, and a truncated stream", async () => {
    const many = [folder, ...Array.from({ length: 20 }, (_, index) => ({ name: `d/${index}`, content: "0123456789" }))];
    expect(await refusal(many, { limits: { maxEntries: 20, maxBytes: 1000 } })).toMatch(
      /^resource_exhausted: .*20 entries/u,
    );
    expect(await refusal(many, { limits: { maxEntries: 100, maxBytes: 150 } })).toMatch(
      /^resource_exhausted: .*150 bytes/u,
    );
    expect(await refusal(streamOf(tarOf(many).subarray(0, 5000)))).toMatch(/^invalid_argument: .*ends in the middle/u);
    expect(readdirSync(parent)).toStrictEqual([]);
  });

  test(
    "random bytes changed in an archive never write outside, and either fit or are refused",
    { timeout: 120_000 },
    async () => {
      const sane = tarOf([
        folder,
        { name: "d/f", content: "x" },
        { name: "d/l", type: "2", target: "../.." },
        { name: "d/g", content: "y" },
      ]);
      const change = fc.record({ at: fc.nat(sane.length - 1), byte: fc.nat(255) });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const data = Buffer.from(sane);
          for (const { at, byte } of changes) data[at] = byte;
          await refusal(streamOf(data));
          rmSync(join(parent, "result"), { recursive: true, force: true });
          expect([readdirSync(root).sort(), readdirSync(parent)]).toStrictEqual([["out", "state", "victim"], []]);
        }),
        { numRuns: 200 },
      );
    },
  );
});

describe("the target", () => {
  test("exists: refused without force, replaced with it, whatever it was", async () => {
    const target = join(parent, "result");
    const makers: (() => void)[] = [
      () => writeFileSync(target, "old"),
      () => symlinkSync("../victim", target),
      () => mkdirSync(join(target, "full"), { recursive: true }),
      () => mkdirSync(target, { mode: 0o555 }),
    ];
    for (const make of makers) {
      for (const entries of [[{ name: "f", content: "new" }], [folder, { name: "d/f", content: "new" }]]) {
        make();
        expect(await refusal(entries)).toMatch(/^already_exists: /u);
        await extractExport(request(entries, { force: true }));
        const made = lstatSync(target).isDirectory() ? join(target, "f") : target;
        expect([lstatSync(made).isFile(), readFileSync(made, "utf8"), readdirSync(parent)]).toStrictEqual([
          true,
          "new",
          ["result"],
        ]);
        expect(readFileSync(join(root, "victim"), "utf8")).toBe("untouched");
        rmSync(target, { recursive: true });
      }
    }
  });

  test("stays as it was when a forced export is refused half-way", async () => {
    mkdirSync(join(parent, "result"));
    writeFileSync(join(parent, "result", "kept"), "old");
    expect(await refusal([folder, { name: "d/f", content: "x" }, { name: "../f" }], { force: true })).toMatch(
      /^failed_precondition/u,
    );
    expect(Object.keys(snapshotTree(parent))).toStrictEqual(["result/kept"]);
  });

  test("in a folder that does not exist, or holding the home folder, is refused", async () => {
    expect(await refusal([folder], { target: join(parent, "no", "where") })).toMatch(/^not_found: /u);
    expect(await refusal([folder], { target: "/", force: true })).toMatch(/^permission_denied: /u);
  });

  test("an abort ends a stalled stream at once and leaves nothing", async () => {
    const controller = new AbortController();
    async function* stalled(): AsyncGenerator<Uint8Array> {
      yield tarOf([folder, { name: "d/f", content: "x" }]).subarray(0, 2048);
      controller.abort();
      await new Promise(() => undefined);
    }
    await expect(extractExport(request(stalled(), { signal: controller.signal }))).rejects.toThrow("aborted");
    expect(readdirSync(parent)).toStrictEqual([]);
  });
});
