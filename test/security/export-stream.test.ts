// Proves that the stream of an export, whatever a guest writes into it, stays in its bounds and in its target.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { type Exports, openExports } from "../../src/tree/export/exports.js";
import { extractExport } from "../../src/tree/export/extract.js";
import { walkTree } from "../unit/tree/diff/overlay.js";
import { type TestEntry, streamOf, tarOf } from "../unit/tree/export/tar.js";

let root: string;
let parent: string;
let exports: Exports;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-export-stream-")));
  parent = join(root, "out");
  mkdirSync(parent);
  exports = await openExports(join(root, "state"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Given {
  readonly maxEntries?: number;
  readonly contentOnly?: boolean;
  readonly confined?: boolean;
}

async function exported(stream: AsyncIterable<Uint8Array>, given: Given = {}): Promise<string> {
  const { maxEntries = 10_000, contentOnly = false, confined = false } = given;
  try {
    const result = await extractExport({
      stream,
      target: join(parent, "target"),
      contentOnly,
      force: false,
      limits: { maxEntries, maxBytes: 1_000_000 },
      allowedRoots: confined ? [parent] : undefined,
      exports,
      signal: new AbortController().signal,
    });
    return `accepted: ${result.folder_count} folders, ${result.skipped_count} left out`;
  } catch (error) {
    if (error instanceof PyroError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const deep = (depth: number): string => `d${"/x".repeat(depth)}`;

describe("bounds", () => {
  test("folders that no entry states count as entries", async () => {
    const entries = [{ name: deep(50), content: "x" }];
    expect(await exported(streamOf(tarOf(entries)), { maxEntries: 50 })).toMatch(/^resource_exhausted: .* 50 entries/u);
    expect(readdirSync(parent)).toStrictEqual([]);
    expect(await exported(streamOf(tarOf(entries)), { maxEntries: 51 })).toBe("accepted: 49 folders, 0 left out");
  });

  test("256 names in one another are taken, 257 are refused", async () => {
    expect(await exported(streamOf(tarOf([{ name: deep(256), content: "x" }])))).toMatch(
      /^failed_precondition: .*more than 256 folders/u,
    );
    expect(readdirSync(parent)).toStrictEqual([]);
    expect(await exported(streamOf(tarOf([{ name: deep(255), content: "x" }])))).toBe(
      "accepted: 254 folders, 0 left out",
    );
  });

  test("other work has its turn between entries that nothing is done for", async () => {
    const archive = tarOf(Array.from({ length: 9000 }, (_, index) => ({ name: `d/.git/${index}`, content: "" })));
    let turns = 0;
    const over = new AbortController();
    const counting = (async () => {
      for (; !over.signal.aborted; turns += 1) await nextTurn();
    })();
    async function* whole(): AsyncGenerator<Uint8Array> {
      turns = 0;
      yield archive;
    }
    expect(await exported(whole())).toBe("accepted: 0 folders, 1 left out");
    over.abort();
    await counting;
    // Two of three events are of an entry, for every 500 of which there is a turn.
    expect(turns).toBeGreaterThan((9000 * 2) / 500);
  });
});

const part = fc.constantFrom(
  "d",
  "a",
  "b",
  "..",
  ".",
  "",
  ".git",
  "HEAD",
  "objects",
  "refs",
  "x\0y",
  "n".repeat(256),
  "\xff",
);
const path = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 3 }).map((parts) => ["d", ...parts].join("/")),
  },
  { weight: 1, arbitrary: fc.array(part, { maxLength: 4 }).map((parts) => parts.join("/")) },
);
const target = fc.oneof(
  fc
    .array(fc.constantFrom("a", "b", "c", "..", ".", "", "victim", "out"), { maxLength: 6 })
    .map((parts) => parts.join("/")),
  path,
);
const anything: fc.Arbitrary<TestEntry> = fc.record({
  name: path,
  type: fc.constantFrom("0", "0", "5", "5", "2", "2", "2", "1", "6", "3", "7", "S", "x", "L", "\0"),
  target,
  content: fc.constantFrom("", "x", "y".repeat(600)),
  mode: fc.constantFrom(0o644, 0o755, 0, 0o7777),
});
/** Links to links, with `..` among them. */
const link: fc.Arbitrary<TestEntry> = fc.record({
  name: fc.constantFrom("d/a/x", "d/a/y", "d/a/b/x", "d/a/b/y", "d/x", "d/y"),
  type: fc.constant("2"),
  target: fc
    .tuple(
      fc.constantFrom("", "../", "../../"),
      fc.array(fc.constantFrom("a", "b", "x", "y"), { maxLength: 2 }),
      fc.constantFrom("", "..", "../..", "../../.."),
    )
    .map(([start, names, end]) => `${start}${[...names, end].join("/")}` || "."),
});
const archive: fc.Arbitrary<TestEntry[]> = fc.oneof(
  fc.array(anything, { maxLength: 10 }),
  fc
    .uniqueArray(link, { maxLength: 6, selector: ({ name }) => name })
    .map((links) => [{ name: "d/a/b/", type: "5", mode: 0o755 }, ...links]),
);
const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 60);

test("random entries never lead out of the target", { timeout: 600_000 + runs * 1000 }, async () => {
  writeFileSync(join(root, "victim"), "untouched");
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(archive, fc.boolean(), async (entries, contentOnly) => {
      const rooted: TestEntry[] = contentOnly ? entries : [{ name: "d", type: "5", mode: 0o755 }, ...entries];
      const result = await exported(streamOf(tarOf(rooted)), { contentOnly, confined: true });
      expect([readdirSync(root).sort(), readFileSync(join(root, "victim"), "utf8")]).toStrictEqual([
        ["out", "state", "victim"],
        "untouched",
      ]);
      const isMade = result.startsWith("accepted");
      expect(readdirSync(parent)).toStrictEqual(isMade ? ["target"] : []);
      expect(isMade ? outwardLinks(join(parent, "target")) : []).toStrictEqual([]);
      if (isMade) accepted += 1;
      rmSync(join(parent, "target"), { recursive: true, force: true });
    }),
    { numRuns: runs, seed: 20261128 },
  );
  expect(accepted).toBeGreaterThan(runs / 10);
});

/** Links of the tree that lead somewhere else, by the kernel's own judgement. */
function outwardLinks(tree: string): string[] {
  return [...walkTree(tree)]
    .filter(([, stat]) => stat.isSymbolicLink())
    .map(([name]) => name)
    .filter((name) => {
      try {
        const real = realpathSync(join(tree, name));
        return real !== tree && !real.startsWith(`${tree}/`);
      } catch {
        return false;
      }
    });
}
