// Proves that the diff of a real overlay is what git applies to the original tree to get the very same tree, and empty where nothing changed.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DiffResult, diffWorkspace } from "../../src/workspace/diff/diff.js";
import { applyEdits, edits, tree } from "./diff-edits.js";
import { type Overlay, type Overlays, copyTree, openOverlays, snapshotTree } from "./diff-overlay.js";

const opened = await openOverlays();
const skipped = typeof opened === "string" ? opened : undefined;
if (skipped !== undefined) {
  if (process.env["PYRO_REQUIRE"] !== undefined) throw new Error(skipped);
  process.stderr.write(`skipped the tests of diff: ${skipped}\n`);
}
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
  if (skipped === undefined) await overlays[Symbol.asyncDispose]();
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

describe.skipIf(skipped !== undefined)("diff of a real overlay", () => {
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
});
