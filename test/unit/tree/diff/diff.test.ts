// Proves that the diff of a real overlay is what git applies to the original tree to get the very same tree, and empty where nothing changed.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DiffResult, diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { applyEdits, edits, tree } from "./edits.js";
import { type Overlay, type Overlays, copyTree, openOverlays, snapshotTree } from "./overlay.js";

const opened = await openOverlays();
const missing = typeof opened === "string" ? opened : undefined;
if (missing !== undefined && process.env["PYRO_REQUIRE"] !== undefined) throw new Error(missing);
const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 40);
const signal = new AbortController().signal;

let overlays: Overlays;
let scratch: string;
beforeAll(() => {
  if (typeof opened !== "string") overlays = opened;
  scratch = mkdtempSync(join(tmpdir(), "pyro-diff-"));
});
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  if (missing === undefined) await overlays[Symbol.asyncDispose]();
});

async function diffOf(overlay: Overlay): Promise<DiffResult> {
  return diffWorkspace({
    source: overlay.source(),
    seed: overlay.seed(),
    signal,
    maxEntries: 10_000,
    maxPatchCharacters: 10_000_000,
  });
}

/** The tree that `git apply` makes of a copy of `original`, which has no empty folders: git knows none. */
function gitApply(original: string, patch: string): Record<string, string> {
  const copy = mkdtempSync(join(scratch, "apply-"));
  copyTree(original, copy);
  if (patch !== "") {
    execFileSync("git", ["apply", "--whitespace=nowarn"], {
      cwd: copy,
      input: patch,
      stdio: ["pipe", "ignore", "pipe"],
    });
  }
  const result = snapshotTree(copy);
  rmSync(copy, { recursive: true, force: true });
  return result;
}

/** As mv does it where the kernel cannot. */
function moveFolder(from: string, to: string): void {
  if (overlays.canRedirect) return renameSync(from, to);
  cpSync(from, to, { recursive: true });
  return rmSync(from, { recursive: true });
}

async function withOverlay<T>(prepare: (lower: string) => void, use: (overlay: Overlay) => Promise<T>): Promise<T> {
  const overlay = await overlays.open();
  try {
    prepare(overlay.lower);
    await overlay.mount();
    return await use(overlay);
  } finally {
    await overlay.close();
  }
}

describe("diff of a real overlay", () => {
  beforeEach(({ skip }) => skip(missing !== undefined, missing));

  test("a random edit script: git apply of the patch gives the identical tree", { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(tree, edits, async (before, script) => {
        await withOverlay(
          (lower) => applyEdits(lower, before),
          async (overlay) => {
            applyEdits(overlay.merged, script);
            const { patch, patch_truncated } = await diffOf(overlay);
            const expected = snapshotTree(overlay.merged);
            expect(patch_truncated).toBe(false);
            expect(gitApply(overlay.lower, patch)).toStrictEqual(expected);
            const isClean = JSON.stringify(expected) === JSON.stringify(snapshotTree(overlay.lower));
            expect(patch === "").toBe(isClean);
          },
        );
      }),
      { numRuns: runs },
    );
  });

  test("each kind of change is named as git would", async () => {
    const prepare = (lower: string): void => {
      for (const folder of ["src/deep", "bin", "empty"]) mkdirSync(join(lower, folder), { recursive: true });
      for (const name of ["src/a.txt", "src/deep/b.txt", "bin/run", "gone", "kind", "link-to-be", "moved"]) {
        writeFileSync(join(lower, name), `content of ${name}\n`);
      }
    };
    await withOverlay(prepare, async ({ merged, lower, ...overlay }) => {
      appendFileSync(join(merged, "src/a.txt"), "more");
      chmodSync(join(merged, "bin/run"), 0o755);
      rmSync(join(merged, "gone"));
      rmSync(join(merged, "link-to-be"));
      symlinkSync("src", join(merged, "link-to-be"));
      rmSync(join(merged, "kind"));
      mkdirSync(join(merged, "kind"));
      writeFileSync(join(merged, "kind/new"), Buffer.from([0, 1, 2]));
      renameSync(join(merged, "moved"), join(merged, "here \u00e4"));
      rmdirSync(join(merged, "empty"));
      mkdirSync(join(merged, "fresh"));
      execFileSync("mkfifo", [join(merged, "pipe")]);
      mkdirSync(join(merged, "sub/.git"), { recursive: true });
      writeFileSync(join(merged, "sub/.git/config"), "x");
      const { entries, counts, patch } = await diffOf({ merged, lower, ...overlay });
      expect(entries).toStrictEqual([
        { path: "bin/run", status: "modified", binary: false, size: 19, old_mode: "100644", new_mode: "100755" },
        { path: "empty", status: "deleted", size: 0, old_mode: "040000", omitted: "empty_folder" },
        { path: "fresh", status: "added", size: 0, new_mode: "040000", omitted: "empty_folder" },
        { path: "gone", status: "deleted", binary: false, size: 16, old_mode: "100644" },
        { path: "here \u00e4", status: "renamed", old_path: "moved", size: 17, old_mode: "100644", new_mode: "100644" },
        { path: "kind", status: "type_changed", binary: false, size: 0, old_mode: "100644", new_mode: "040000" },
        { path: "kind/new", status: "added", binary: true, size: 3, new_mode: "100644" },
        { path: "link-to-be", status: "type_changed", binary: false, size: 3, old_mode: "100644", new_mode: "120000" },
        { path: "pipe", status: "added", size: 0, new_mode: "010000", omitted: "special_file" },
        { path: "src/a.txt", status: "modified", binary: false, size: 25, old_mode: "100644", new_mode: "100644" },
        { path: "sub", status: "added", size: 0, new_mode: "040000", omitted: "empty_folder" },
      ]);
      expect(counts).toStrictEqual({ added: 4, modified: 2, deleted: 2, renamed: 1, type_changed: 2 });
      expect(patch).toContain("rename from moved\nrename to here \u00e4\n");
      rmSync(join(merged, "pipe"));
      expect(gitApply(lower, patch)).toStrictEqual(snapshotTree(merged));
    });
  });

  test("a moved folder is one rename for each file; moved there and back is no change", async () => {
    const prepare = (lower: string): void => {
      mkdirSync(join(lower, "lib/inner"), { recursive: true });
      for (const name of ["lib/one", "lib/two", "lib/inner/three"]) writeFileSync(join(lower, name), name);
    };
    await withOverlay(prepare, async (overlay) => {
      moveFolder(join(overlay.merged, "lib"), join(overlay.merged, "vendor"));
      const { entries, patch } = await diffOf(overlay);
      const moves = entries.map(({ status, old_path, path }) => [status, old_path, path]);
      expect(moves).toStrictEqual([
        ["renamed", "lib/inner/three", "vendor/inner/three"],
        ["renamed", "lib/one", "vendor/one"],
        ["renamed", "lib/two", "vendor/two"],
      ]);
      expect(gitApply(overlay.lower, patch)).toStrictEqual(snapshotTree(overlay.merged));
      moveFolder(join(overlay.merged, "vendor"), join(overlay.merged, "lib"));
      expect(await diffOf(overlay)).toMatchObject({ entries: [], patch: "" });
    });
  });

  test("writing one name of a hard-linked file changes the others, which the upper layer does not list", async () => {
    const prepare = (lower: string): void => {
      mkdirSync(join(lower, "other"));
      writeFileSync(join(lower, "first"), "old\n");
      linkSync(join(lower, "first"), join(lower, "other/second"));
    };
    await withOverlay(prepare, async (overlay) => {
      appendFileSync(join(overlay.merged, "first"), "new\n");
      const { entries, patch } = await diffOf(overlay);
      const second = readFileSync(join(overlay.merged, "other/second"), "utf8");
      expect(entries.map(({ path }) => path)).toStrictEqual(second === "old\n" ? ["first"] : ["first", "other/second"]);
      expect(gitApply(overlay.lower, patch)).toStrictEqual(snapshotTree(overlay.merged));
    });
  });
});
