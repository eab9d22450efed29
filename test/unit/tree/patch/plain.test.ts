// Proves that plain diffs change the file that git would change, whatever their names and dates look like, and say so where we are stricter.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { planPatch } from "../../../../src/tree/patch/plan.js";
import { copyTree, snapshotTree } from "../diff/overlay.js";
import { carryOut, folderFiles } from "./folder.js";

type Tree = Readonly<Record<string, string>>;
interface Outcome {
  readonly tree: Tree;
  /** Undefined where it was accepted. */
  readonly refusal: string | undefined;
}

const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 60);
const signal = new AbortController().signal;
const text = Array.from({ length: 9 }, (_, index) => `${index + 1}\n`).join("");
const changed = text.replace("2\n", "two\n");
const change = "@@ -1,4 +1,4 @@\n 1\n-2\n+two\n 3\n 4\n";
const removal = `@@ -1,9 +0,0 @@\n${text.replaceAll(/^/gmu, "-").slice(0, -1)}`;
const addition = "@@ -0,0 +1 @@\n+new\n";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "pyro-plain-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }), 60_000);

function folderOf(tree: Tree): string {
  const folder = mkdtempSync(join(scratch, "tree-"));
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function byGit(before: string, patch: string): Outcome {
  const folder = mkdtempSync(join(scratch, "git-"));
  copyTree(before, folder);
  let refusal: string | undefined;
  try {
    execFileSync("git", ["apply", "--whitespace=nowarn"], {
      cwd: folder,
      input: patch,
      stdio: ["pipe", "ignore", "pipe"],
    });
  } catch (error) {
    refusal = String(error);
  }
  return { tree: snapshotTree(folder), refusal };
}

async function byUs(folder: string, patch: string): Promise<Outcome & { readonly alreadyApplied: boolean }> {
  try {
    const plan = await planPatch(folderFiles(folder), patch, signal);
    carryOut(folder, plan);
    return { tree: snapshotTree(folder), refusal: undefined, alreadyApplied: plan.alreadyApplied };
  } catch (error) {
    if (!(error instanceof PyroError) || error.code === "internal") throw error;
    return { tree: snapshotTree(folder), refusal: error.message, alreadyApplied: false };
  }
}

describe("as git apply does it", () => {
  const epoch = "1970-01-01 00:00:00.000000000 +0000";
  const cases: Record<string, [before: Tree, patch: string]> = {
    "a suffix on the new name": [{ "f.txt": text }, `--- a/f.txt\n+++ b/f.txt.new\n${change}`],
    "a suffix and no prefix": [{ "f.txt": text }, `--- f.txt\n+++ f.txt.new\n${change}`],
    "a suffix on the old name": [{ "f.txt": text }, `--- a/f.txt.orig\n+++ b/f.txt\n${change}`],
    "both names there": [{ "f.txt": text, "f.txt.orig": text }, `--- a/f.txt.orig\n+++ b/f.txt\n${change}`],
    "two names of one length": [{ "old.c": text, "new.c": text }, `--- a/old.c\n+++ b/new.c\n${change}`],
    "a new side at the epoch": [{ f: text }, `--- a/f\t2024-05-05 10:00:00 +0200\n+++ b/f\t${epoch}\n${removal}`],
    "the epoch in another zone": [
      { f: text },
      `--- a/f\t2024-05-05\n+++ b/f\t1969-12-31 19:00:00.000000000 -0500\n${removal}`,
    ],
    "an epoch that is none": [{ f: text }, `--- a/f\t2024-05-05\n+++ b/f\t1970-01-01 00:00:00 -0500\n${removal}`],
    "an epoch behind blanks": [{ f: text }, `--- a/f\t2024-05-05\n+++ b/f  1970-01-01 00:00:00 +0000\n${removal}`],
    "an old side at the epoch": [{ g: text }, `--- a/f\t${epoch}\n+++ b/f\t2024-05-05 10:00:00 +0200\n${addition}`],
    "an old side at the epoch, the file there": [{ f: text }, `--- a/f\t${epoch}\n+++ b/f\t2024-05-05\n${addition}`],
    "emptied, but not deleted": [{ f: text }, `--- a/f\n+++ b/f\n${removal}`],
    "emptied, in git's format": [{ f: text }, `diff --git a/f b/f\n--- a/f\n+++ b/f\n${removal}`],
    "added without a word": [{ g: text }, `--- a/f\n+++ b/f\n${addition}`],
    "a date after blanks": [
      { f: text },
      `--- a/f   2024-05-05 10:00:00.5 +0000\n+++ b/f  2024-05-05 10:00:00\n${change}`,
    ],
    "a date with two digits for the year": [
      { f: text },
      `--- a/f  24-05-05 10:00:00\n+++ b/f  24-05-05 10:00:00\n${change}`,
    ],
    "a name with a blank": [{ "f x": text }, `--- a/f x\t\n+++ b/f x\t\n${change}`],
    "CRLF in the header": [{ f: text }, `--- a/f\t2024-05-05\r\n+++ b/f\t2024\r\n${change}`],
    "two names in git's format, no rename line": [
      { pre: text },
      `diff --git a/pre b/post\n--- a/pre\n+++ b/post\n${change}`,
    ],
    "a name whose first folder is stripped": [{ "src/x": text, x: text }, `--- old/x\n+++ new/x\n${change}`],
    "the last file of two folders, deleted": [{ "d/e/f": text, g: "" }, `--- a/d/e/f\n+++ /dev/null\n${removal}`],
    "the last file of one of two folders": [{ "d/e/f": text, "d/g": "" }, `--- a/d/e/f\n+++ /dev/null\n${removal}`],
    "the last file of a folder, moved": [{ "d/e/f": text }, "diff --git a/d/e/f b/g\nrename from d/e/f\nrename to g\n"],
    "moved within the folder": [{ "d/f": text }, "diff --git a/d/f b/d/g\nrename from d/f\nrename to d/g\n"],
    "one file twice": [{ f: text }, `--- a/f\n+++ b/f\n${change}--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 1\n-two\n+2\n 3\n`],
    "nothing there": [{ g: text }, `--- a/f\n+++ b/f\n${change}`],
  };
  test.each(Object.entries(cases))("%s", async (_name, [before, patch]) => {
    const folder = folderOf(before);
    const git = byGit(folder, patch);
    const ours = await byUs(folder, patch);
    expect({ tree: ours.tree, refused: ours.refusal !== undefined }).toEqual({
      tree: git.tree,
      refused: git.refusal !== undefined,
    });
    // Snapshots have files only. Where git refuses, nothing has changed.
    expect(foldersOf(folder)).toEqual(git.refusal === undefined ? foldersNeeded(git.tree) : foldersNeeded(before));
  });

  const stem = fc.constantFrom("f", "f.txt", "d/f", "d/e/f.txt", "src/f");
  const end = fc.constantFrom("", "", ".orig", ".new", "~");
  const prefix = fc.constantFrom("a/", "b/", "", "old/", "new/", "./");
  const date = fc.constantFrom("", "\t2024-05-05 10:00:00 +0000", "  2024-05-05 10:00:00 +0000", `\t${epoch}`, "\t");
  const side = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(prefix, stem, end, date).map((all) => all.join("")) },
    { weight: 1, arbitrary: fc.constant("/dev/null") },
  );
  const files = fc.uniqueArray(fc.tuple(fc.oneof(stem, fc.constant("f.txt.orig")), fc.constantFrom(text, text, "")), {
    selector: ([path]) => path.split("/")[0],
    minLength: 1,
    maxLength: 3,
  });
  const plainPatch = fc
    .tuple(side, side, fc.constantFrom(change, removal, addition))
    .map(([old, now, hunk]) => `--- ${old}\n+++ ${now}\n${hunk}`);

  test("what both accept gives the same tree, and what git accepts is refused only where it could mean two files", async () => {
    await fc.assert(
      fc.asyncProperty(files, plainPatch, async (before, patch) => {
        const folder = folderOf(Object.fromEntries(before));
        const git = byGit(folder, patch);
        const ours = await byUs(folder, patch);
        const isStricter = git.refusal === undefined && /could mean|damaged/u.test(ours.refusal ?? "");
        const isSame = git.refusal !== undefined || isStricter || isDeepStrictEqual(ours.tree, git.tree);
        expect({ isSame, patch, git, ours }).toMatchObject({ isSame: true });
      }),
      { numRuns: runs },
    );
  }, 120_000);
});

describe("beyond git, where git refuses", () => {
  test("a name without prefixes is the one that is there", async () => {
    const folder = folderOf({ "src/x": text });
    expect(await byUs(folder, `--- src/x\n+++ src/x\n${change}`)).toMatchObject({
      tree: { "src/x": `plain ${changed}` },
    });
  });

  test("of two names, the one that is there", async () => {
    const folder = folderOf({ "f.txt.new": text });
    expect(await byUs(folder, `--- a/f.txt\n+++ b/f.txt.new\n${change}`)).toMatchObject({
      tree: { "f.txt.new": `plain ${changed}` },
    });
  });

  test("a name below /workspace is one of the workspace", async () => {
    const folder = folderOf({ "src/x": text, x: text });
    expect(await byUs(folder, `--- /workspace/src/x\n+++ /workspace/src/x\n${change}`)).toMatchObject({
      tree: { "src/x": `plain ${changed}`, x: `plain ${text}` },
    });
  });

  test("a new file dated at the epoch may be there already, and empty", async () => {
    const folder = folderOf({ f: "" });
    expect(await byUs(folder, `--- a/f\t1970-01-01 00:00:00 +0000\n+++ b/f\t2024-05-05\n${addition}`)).toMatchObject({
      tree: { f: "plain new\n" },
    });
  });

  test("applied twice, it is applied already and changes nothing", async () => {
    for (const [before, patch] of [
      [{ f: text }, `--- a/f\n+++ b/f\n${change}`],
      [{ f: text, g: "" }, `--- a/f\n+++ /dev/null\n${removal}`],
      [{ g: text }, `--- /dev/null\n+++ b/f\n${addition}`],
      [{ f: text }, `diff --git a/f b/d/h\nrename from f\nrename to d/h\n--- a/f\n+++ b/d/h\n${change}`],
      [{ f: text }, "diff --git a/f b/f\nold mode 100644\nnew mode 100755\n"],
    ] as const) {
      const folder = folderOf(before);
      const once = await byUs(folder, patch);
      expect(once).toMatchObject({ refusal: undefined, alreadyApplied: false });
      expect(await byUs(folder, patch)).toMatchObject({ tree: once.tree, refusal: undefined });
    }
  });

  test("half applied is not applied", async () => {
    const folder = folderOf({ f: changed, g: "other\n" });
    const patch = `--- a/f\n+++ b/f\n${change}--- a/g\n+++ b/g\n${change}`;
    expect(await byUs(folder, patch)).toMatchObject({ alreadyApplied: false, refusal: expect.stringMatching(/f/u) });
  });
});

describe("stricter than git", () => {
  test("a name that could be one of two files is refused with both", async () => {
    const folder = folderOf({ "src/x": text, x: text });
    const { refusal } = await byUs(folder, `--- src/x\n+++ src/x\n${change}`);
    expect(refusal).toBe("The patch could mean x, as git reads it, or src/x.");
  });

  test("a new file without a usual prefix is refused: git would leave its first folder out", async () => {
    const { refusal } = await byUs(folderOf({ g: "" }), `--- /dev/null\n+++ src/new.txt\n${addition}`);
    expect(refusal).toBe("The patch could mean new.txt, as git reads it, or src/new.txt.");
  });

  test("two names without a rename line do not replace a file that is there", async () => {
    const folder = folderOf({ pre: text, post: "mine\n" });
    const { refusal } = await byUs(folder, `diff --git a/pre b/post\n--- a/pre\n+++ b/post\n${change}`);
    expect(refusal).toBe("The patch adds post, which is already there.");
  });
});

function foldersOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function foldersNeeded(tree: Tree): string[] {
  const above = (path: string): string[] => (dirname(path) === "." ? [] : [dirname(path), ...above(dirname(path))]);
  return [...new Set(Object.keys(tree).flatMap(above))].sort();
}
