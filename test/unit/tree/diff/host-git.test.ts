// Proves that git on the host, whatever its attributes and settings, makes of a diff the very bytes of the workspace, or that the diff says where not.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { displayPath } from "../../../../src/tree/byte-path.js";
import { type DiffResult, diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { planPatch } from "../../../../src/tree/patch/plan.js";
import { carryOut, folderFiles } from "../patch/folder.js";
import { fakeGuest } from "./fake-guest.js";
import { type HostWorld, hostWorld, writeFiles, writeRepository } from "./host-worlds.js";
import { snapshotTree, treeOf } from "./overlay.js";

const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 500);
/** Worlds of one round: their gits are started by one shell, which is quicker than by us. */
const worldsAtOnce = 10;
const signal = new AbortController().signal;

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "pyro-host-git-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Tree = Record<string, string>;

interface World {
  readonly diff: DiffResult;
  readonly inside: Tree;
  /** Where the seed lies on the host. */
  readonly host: string;
  /** The seed's files after our own patch apply. */
  readonly back: Tree;
}

async function openWorld(folder: string, world: HostWorld): Promise<World> {
  const [host, inside, back] = [join(folder, "host"), join(folder, "inside"), join(folder, "back")];
  for (const [root, files] of [
    [host, world.before],
    [inside, world.after],
    [back, world.before],
  ] as const) {
    writeRepository(root, world);
    writeFiles(root, files);
  }
  const request = { maxEntries: 10_000, maxPatchCharacters: 10_000_000, signal };
  const diff = await diffWorkspace({ ...request, source: fakeGuest(host, inside), seed: treeOf(host) });
  writeFileSync(join(folder, "patch"), diff.patch);
  if (diff.patch !== "") carryOut(back, await planPatch(folderFiles(back), diff.patch, signal));
  return { diff, host, inside: snapshotTree(inside), back: snapshotTree(back) };
}

/** What git says that does not take one of the patches; empty where it takes all. */
function applyAll(folder: string): string {
  const script = `for world in "$1"/*; do
    test -s "$world/patch" || continue
    cd "$world/host" && git apply --whitespace=nowarn ../patch || echo "refused in $world"
  done`;
  return execFileSync("sh", ["-c", `{ ${script}; } 2>&1`, "sh", folder]).toString();
}

/** Paths of which the two have other bytes. */
function differing(one: Tree, other: Tree): string[] {
  const paths = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...paths]
    .filter((path) => one[path] !== other[path])
    .map(displayPath)
    .sort();
}

test(
  "random checkouts and edits: git makes the bytes of the workspace of all but the files that the diff names; our own patch apply takes it too",
  { timeout: 3_600_000 },
  async () => {
    const worlds = fc.array(hostWorld, { minLength: worldsAtOnce, maxLength: worldsAtOnce });
    await fc.assert(
      fc.asyncProperty(worlds, async (several) => {
        const folder = mkdtempSync(join(scratch, "worlds-"));
        try {
          const opened = several.map(async (world, index) => {
            mkdirSync(join(folder, `${index}`));
            return openWorld(join(folder, `${index}`), world);
          });
          const all = await Promise.all(opened);
          expect(applyAll(folder)).not.toContain("refused");
          for (const { diff, host, inside, back } of all) {
            const named = diff.differs.map(({ path }) => path).sort();
            expect(differing(snapshotTree(host), inside)).toStrictEqual(named);
            expect(differing(back, inside).filter((path) => !named.includes(path))).toStrictEqual([]);
          }
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: Math.ceil(runs / worldsAtOnce) },
    );
  },
);
