// Proves that a diff leaves out the new files that git ignores, the very same ones, and nothing else; and that no pattern takes long.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BytePath, trustedPath } from "../../../../src/tree/byte-path.js";
import { type DiffRequest, diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { ignoredBy } from "../../../../src/tree/diff/ignored.js";
import { readAhead } from "../../../../src/tree/diff/read-ahead.js";
import type { ChangeSource, SeedTree, TouchedEntry } from "../../../../src/tree/diff/source.js";
import type { Item } from "../../../../src/tree/diff/touched-trees.js";
import type { SeedRecord } from "../../../../src/tree/seed/manifest-line.js";
import { under, walkTree } from "./overlay.js";

const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 40);
const signal = new AbortController().signal;

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "pyro-ignored-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Text, or `-> target`; undefined where it was removed. */
type Files = Readonly<Record<string, string | undefined>>;

const latin1 = (text = "") => Buffer.from(text, "latin1");

/** `upper` as what was touched since `seed`. */
function sourceOf(upper: Files, seed: Files = {}): ChangeSource {
  const opened = (files: Files, path: Buffer) => {
    const data = latin1(files[path.toString("latin1")]);
    return { mode: 0o644, size: data.length, chunks: chunksOf(data) };
  };
  return {
    async *touched(): AsyncGenerator<TouchedEntry> {
      for (const [name, text] of Object.entries(upper)) {
        const entry = { path: latin1(name), mode: 0o644, size: latin1(text).length };
        if (text === undefined) yield { ...entry, kind: "whiteout" };
        else if (text.startsWith("-> ")) yield { ...entry, kind: "symlink", linkTarget: latin1(text.slice(3)) };
        else yield { ...entry, kind: "file" };
      }
    },
    statNew: async (name) => opened(upper, name),
    openNew: async (name) => opened(upper, name),
    openOld: async (name) => opened(seed, name),
    readSmall: async () => new Map(),
  };
}

async function* chunksOf(data: Buffer): AsyncGenerator<Uint8Array> {
  yield data;
}

function seedOf(files: Files): SeedTree {
  const record = (name: string, text: string): SeedRecord => {
    const sha256 = createHash("sha256").update(latin1(text)).digest("hex");
    return {
      path: name,
      kind: "file",
      mode: 0o644,
      size: latin1(text).length,
      mtime: 0,
      sha256,
      target: "",
      group: "",
    };
  };
  return {
    lookup: async (name) => {
      const text = files[name.toString("latin1")];
      return text === undefined ? undefined : record(name.toString("latin1"), text);
    },
    async *below() {},
    async *linked() {},
  };
}

/** What is not ignored of a tree on disk, according to us. */
async function ours(root: string): Promise<string[]> {
  const files: Record<string, string> = {};
  const now = new Map<BytePath, Item>();
  for (const [path, stat] of walkTree(root)) {
    if (path === ".git" || path.startsWith(".git/")) continue;
    const kind = stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "symlink" : "file";
    if (kind === "file") files[path] = readFileSync(under(root, path)).toString("latin1");
    now.set(trustedPath(path), { kind, mode: 0o644, size: stat.size });
  }
  const find = ignoredBy({ source: readAhead(sourceOf(files)), seed: seedOf({}), signal }, { old: new Map(), now });
  const kept: string[] = [];
  for (const [path, item] of now) {
    if (item.kind !== "directory" && (await find(path, item)) === undefined) kept.push(path);
  }
  return kept.sort();
}

function gits(root: string): string[] {
  if (lstatSync(join(root, ".git"), { throwIfNoEntry: false }) === undefined) {
    execFileSync("git", ["init", "-q", root], { stdio: "ignore" });
  }
  const config = ["-c", "core.excludesFile=/dev/null", "-c", "core.ignoreCase=false"];
  const listed = execFileSync("git", [...config, "-C", root, "ls-files", "-o", "--exclude-standard", "-z"]);
  return listed
    .toString("latin1")
    .split("\0")
    .filter((path) => path !== "")
    .sort();
}

const part = fc.constantFrom("a", "b", "ab", "aab", "c.o", ".x", "a b", "#h", "!n", "\u00c3\u00a4", "[x", "a\\b");
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const glob = fc.constantFrom(
  ...[
    "a",
    "b",
    "*",
    "**",
    "***",
    "?",
    "*.o",
    "a*",
    "*b",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-c]*",
    "[]x]",
    "[x",
    "\\#h",
    "\\!n",
    "\\*",
  ],
  ...[
    "**b",
    "[[:alpha:]]",
    "[[:nope:]]",
    "[a-]",
    "[--a]",
    "[\\]a]",
    "a\\ b",
    "a ",
    "\\",
    ".*",
    "?*b",
    "*a*b*",
    "\u00c3\u00a4",
    "[\u00c3-\u00c4]*",
  ],
  ...["[b-a]", "[!-a]b", "[[:digit:][:lower:]]*", "[[:alpha:", "[a[b]"],
);
const pattern = fc
  .tuple(
    fc.constantFrom("", "!"),
    fc.constantFrom("", "/"),
    fc.array(glob, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("", "/", "  ", "\r"),
  )
  .map(([negation, start, globs, end]) => `${negation}${start}${globs.join("/")}${end}`);
const rules = fc.array(fc.oneof({ weight: 8, arbitrary: pattern }, fc.constantFrom("", "# comment", "   ", "!", "/")), {
  maxLength: 5,
});
const ruleFile = fc.constantFrom(".gitignore", "a/.gitignore", "a/b/.gitignore", "b/.gitignore");

/** The same without paths that would have to be file and folder at once. */
function possible(files: Readonly<Record<string, string>>): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const [name, text] of Object.entries(files)) {
    const isTaken = Object.keys(tree).some((other) => name.startsWith(`${other}/`) || other.startsWith(`${name}/`));
    if (!isTaken) tree[name] = text;
  }
  return tree;
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(under(root, name.slice(0, Math.max(0, name.lastIndexOf("/")))), { recursive: true });
    writeFileSync(under(root, name), latin1(text));
  }
}

async function diffOf(
  upper: Files,
  { seed = {}, ...request }: Partial<Omit<DiffRequest, "seed">> & { seed?: Files } = {},
) {
  const world = { source: sourceOf(upper, seed), seed: seedOf(seed) };
  const options = { signal, maxEntries: 100, maxPatchCharacters: 10_000 };
  const { entries, ignored } = await diffWorkspace({ ...options, ...world, ...request });
  return { shown: entries.map(({ path: name, status }) => `${status} ${name}`), ignored };
}

const nothing = { file_count: 0, paths: [] };

describe("what git ignores", () => {
  test("random rules over random trees leave out what git leaves out", { timeout: 600_000 }, async () => {
    const ruleFiles = fc.dictionary(ruleFile, rules, { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(path, { minLength: 1, maxLength: 12 }), ruleFiles, async (paths, lines) => {
        const root = mkdtempSync(join(scratch, "tree-"));
        const texts = Object.entries(lines).map(([name, each]) => [name, each.join("\n")] as const);
        write(root, possible(Object.fromEntries([...texts, ...paths.map((name) => [name, "x"] as const)])));
        expect(await ours(root)).toStrictEqual(gits(root));
        rmSync(root, { recursive: true, force: true });
      }),
      { numRuns: runs },
    );
  });

  const seed = { ".gitignore": "node_modules/\n*.log\n!keep.log\n", "a.js": "1\n", "old.log": "1\n", "dist/x": "1\n" };

  test("new ignored files are counted by the folder that holds them; what the seed has is shown whatever it is called", async () => {
    const upper = {
      "a.js": "2\n",
      "b.js": "1\n",
      "deep/node_modules/c/d.js": "1\n",
      "keep.log": "1\n",
      "new.log": "1\n",
      "node_modules/a/b.js": "1\n",
      "node_modules/a/keep.log": "1\n",
      "old.log": "2\n",
    };
    expect(await diffOf(upper, { seed })).toStrictEqual({
      shown: ["modified a.js", "added b.js", "added keep.log", "modified old.log"],
      ignored: { file_count: 4, paths: ["deep/node_modules/", "new.log", "node_modules/"] },
    });
    expect((await diffOf(upper, { seed, includeIgnored: true })).shown).toHaveLength(8);
  });

  test("the rules are those of the workspace as it is now", async () => {
    const added = { "node_modules/x": "1\n", "dist/y": "1\n" };
    expect((await diffOf({ ...added, ".gitignore": "dist\n" }, { seed })).shown).toStrictEqual([
      "modified .gitignore",
      "added node_modules/x",
    ]);
    expect(await diffOf({ ...added, ".gitignore": undefined }, { seed })).toMatchObject({ ignored: nothing });
    expect(await diffOf({ ...added, ".gitignore": "-> rules" }, { seed })).toMatchObject({ ignored: nothing });
    expect(await diffOf({ ...added, "dist/.gitignore": "*" }, { seed })).toMatchObject({
      ignored: { file_count: 3, paths: ["dist/.gitignore", "dist/y", "node_modules/"] },
    });
  });

  test("what the repository alone ignores is read from the seed, before any .gitignore", async () => {
    const repository = { ".git/info/exclude": "*.tmp\n", ".gitignore": "!b.tmp\n" };
    expect(
      await diffOf({ "a.tmp": "1\n", "b.tmp": "1\n", ".git/info/exclude": "b.tmp\n" }, { seed: repository }),
    ).toEqual({
      shown: ["added b.tmp"],
      ignored: { file_count: 1, paths: ["a.tmp"] },
    });
  });

  test("who names an ignored folder, or what is in it, sees it; other names only narrow", async () => {
    const upper = { "node_modules/a/b.js": "1\n", "node_modules/c.js": "1\n", "x/y.log": "1\n" };
    const paths = (...names: string[]) => ({ seed, paths: names.map(latin1) });
    expect(await diffOf(upper, paths("node_modules/a"))).toEqual({
      shown: ["added node_modules/a/b.js"],
      ignored: nothing,
    });
    expect(await diffOf(upper, paths("x/y.log"))).toEqual({ shown: ["added x/y.log"], ignored: nothing });
    expect(await diffOf(upper, paths("x"))).toEqual({ shown: [], ignored: { file_count: 1, paths: ["x/y.log"] } });
  });

  test("a deleted file is not taken for one that was moved to where nobody sees it", async () => {
    expect(await diffOf({ "a.js": undefined, "node_modules/a.js": "1\n" }, { seed })).toEqual({
      shown: ["deleted a.js"],
      ignored: { file_count: 1, paths: ["node_modules/"] },
    });
  });

  test("no pattern takes long, and one that would hides nothing", async () => {
    const rule = `${"*a".repeat(120)}b\n`;
    const upper: Record<string, string> = { ".gitignore": rule.repeat(1500) };
    for (let index = 0; index < 2000; index += 1) upper[`${"a".repeat(240)}${index}`] = "1\n";
    const { shown, ignored } = await diffOf(upper, { maxEntries: 3000, maxPatchCharacters: 0 });
    expect([shown.length, ignored]).toEqual([2001, nothing]);
  });
});
