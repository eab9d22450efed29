// Proves that patches of git itself are applied as git applies them, that damaged ones are refused, and that none makes us crash.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import type { PatchPlan } from "../../../../src/tree/patch/patch-files.js";
import { planPatch } from "../../../../src/tree/patch/plan.js";
import { applyEdits, edits, tree } from "../diff/edits.js";
import { copyTree, snapshotTree } from "../diff/overlay.js";
import { carryOut, folderFiles } from "./folder.js";

const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 20);
const signal = new AbortController().signal;

let scratch: string;
let gitFolder: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "pyro-patch-"));
  gitFolder = join(scratch, "repository");
  execFileSync("git", ["init", "-q", "--bare", gitFolder]);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function newFolder(): string {
  return mkdtempSync(join(scratch, "tree-"));
}

function writeTree(folder: string): string {
  const git = (...args: string[]): string =>
    execFileSync("git", [`--git-dir=${gitFolder}`, `--work-tree=${folder}`, "-c", "core.autocrlf=false", ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
  git("rm", "-rfq", "--cached", "--ignore-unmatch", ".");
  git("add", "-A", ".");
  return git("write-tree").trim();
}

/** git's own patch between two folders. */
function gitDiff(before: string, after: string, options: readonly string[]): Buffer {
  const trees = [writeTree(before), writeTree(after)];
  return execFileSync("git", [`--git-dir=${gitFolder}`, "diff", "--binary", "--full-index", ...options, ...trees], {
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** The tree after `git apply`, or why git refuses. */
function gitApply(before: string, patch: Buffer): Record<string, string> | string {
  const copy = newFolder();
  copyTree(before, copy);
  try {
    execFileSync("git", ["apply", "--whitespace=nowarn"], {
      cwd: copy,
      input: patch,
      stdio: ["pipe", "ignore", "pipe"],
    });
    return snapshotTree(copy);
  } catch (error) {
    return error instanceof Error ? error.message : "refused";
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The tree after our plan, or why we refuse; anything but a PyroError is thrown. */
async function ourApply(before: string, patch: Buffer): Promise<Record<string, string> | string> {
  const copy = newFolder();
  copyTree(before, copy);
  try {
    const plan: PatchPlan = await planPatch(folderFiles(copy), patch, signal);
    carryOut(copy, plan);
    return snapshotTree(copy);
  } catch (error) {
    if (error instanceof PyroError && error.code !== "internal") return error.message;
    throw error;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function withTrees(scripts: readonly Script[], use: (folders: string[]) => Promise<void>): Promise<void> {
  const folders: string[] = [];
  try {
    for (const script of scripts) {
      const folder = newFolder();
      applyEdits(folder, script);
      const pruned = newFolder();
      copyTree(folder, pruned);
      rmSync(folder, { recursive: true, force: true });
      folders.push(pruned);
    }
    await use(folders);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

type Script = Parameters<typeof applyEdits>[1];

const options = fc.constantFrom(
  ["-M"],
  ["-M", "-C", "--find-copies-harder"],
  ["--no-renames"],
  ["-M10%"],
  ["-U1"],
  ["-U5"],
  ["--src-prefix=i/", "--dst-prefix=w/"],
);
/** One character put, changed or removed somewhere, or a line dropped or doubled. */
const damage = fc.record({ at: fc.nat(100_000), kind: fc.nat(4), byte: fc.nat(255) });

function damaged(patch: Buffer, { at, kind, byte }: { at: number; kind: number; byte: number }): Buffer {
  if (kind < 3) {
    const where = at % (patch.length + 1);
    return Buffer.concat([
      patch.subarray(0, where),
      Buffer.from(kind === 0 ? [] : [byte]),
      patch.subarray(where + (kind === 1 ? 0 : 1)),
    ]);
  }
  const lines = patch.toString("latin1").split("\n");
  const where = at % lines.length;
  lines.splice(where, 1, ...(kind === 3 ? [] : [lines[where] ?? "", lines[where] ?? ""]));
  return Buffer.from(lines.join("\n"), "latin1");
}

describe("patches of git", () => {
  test("applying one gives the tree it was made from", { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(tree, edits, options, async (before, script, chosen) => {
        await withTrees([before, [...before, ...script]], async ([old = "", now = ""]) => {
          const patch = gitDiff(old, now, chosen);
          if (patch.length === 0) return;
          expect(await ourApply(old, patch)).toStrictEqual(snapshotTree(now));
        });
      }),
      { numRuns: runs },
    );
  });

  test(
    "on another tree it is accepted and refused as by git, but for places that are ambiguous",
    { timeout: 600_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(tree, edits, edits, async (before, script, others) => {
          await withTrees(
            [before, [...before, ...script], [...before, ...others]],
            async ([old = "", now = "", other = ""]) => {
              const patch = gitDiff(old, now, ["-M"]);
              if (patch.length === 0) return;
              const ours = await ourApply(other, patch);
              const theirs = gitApply(other, patch);
              // git refuses even its own patch where a link becomes a folder of the file that the link is renamed to.
              if (typeof theirs === "string" && theirs.includes("beyond a symbolic link")) return;
              const isAmbiguous = typeof ours === "string" && ours.includes("several other lines");
              const expected = typeof theirs === "string" || isAmbiguous ? "refused" : theirs;
              expect(typeof ours === "string" ? "refused" : ours).toStrictEqual(expected);
            },
          );
        }),
        { numRuns: runs },
      );
    },
  );

  // git itself takes some of them for something else: without its `deleted file mode` line a part makes a file dev/null.
  test("a damaged one is applied or refused, never a crash", { timeout: 600_000 }, async () => {
    const scripts = fc.tuple(tree, edits, edits);
    await fc.assert(
      fc.asyncProperty(
        scripts,
        fc.array(damage, { minLength: 1, maxLength: 2 }),
        async ([before, script, others], wounds) => {
          await withTrees(
            [before, [...before, ...script], [...before, ...others]],
            async ([old = "", now = "", other = ""]) => {
              const patch = wounds.reduce(damaged, gitDiff(old, now, ["-M"]));
              await expect(ourApply(other, patch)).resolves.toBeDefined();
            },
          );
        },
      ),
      { numRuns: runs },
    );
  });
});
