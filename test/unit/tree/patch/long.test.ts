// Proves that a patch is read in pieces as it would be as a whole, whatever its length, and that what it gives is kept out of memory.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { type Kept, Spool, readKept } from "../../../../src/base/spool.js";
import { loadPart, readPatch } from "../../../../src/tree/patch/patch-parts.js";
import { parsePart } from "../../../../src/tree/patch/parse-patch.js";
import { planPatch } from "../../../../src/tree/patch/plan.js";
import { folderFiles } from "./folder.js";

const signal = new AbortController().signal;
const inMemory = async (bytes: Buffer): Promise<Kept> => bytes;

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "pyro-long-patch-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What it is, or the sentence that refuses it. */
async function asWhole(patch: string): Promise<unknown> {
  try {
    const files = parsePart(Buffer.from(patch, "latin1"), 1);
    return files.length === 0 ? "The patch names no file." : files;
  } catch (error) {
    return error instanceof PyroError ? error.message : error;
  }
}

async function inPieces(patch: string, size: number): Promise<unknown> {
  const bytes = Buffer.from(patch, "latin1");
  function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  try {
    const { parts } = await readPatch(pieces(), inMemory, signal);
    return await Promise.all(parts.map(loadPart));
  } catch (error) {
    return error instanceof PyroError ? error.message : error;
  }
}

describe("in pieces as in one", () => {
  const lines = [
    ...["diff --git a/f b/f\n", "diff --git a/g b/h\n", "index 1..2 100644\n", "new file mode 100644\n"],
    ...["deleted file mode 100644\n", "old mode 100644\nnew mode 100755\n", "similarity index 100%\n"],
    ...["rename from g\nrename to h\n", "--- a/f\n+++ b/f\n", "--- /dev/null\n+++ b/f\n", "--- x\n", "+++ y\n"],
    ...["@@ -1 +1 @@\n-a\n+b\n", "@@ -1,2 +1,2 @@\n x\n-a\n+b\n", "@@ -0,0 +1,2 @@\n+-- x\n+++ y\n"],
    ...["@@ -1,2 +0,0 @@\n--- x\n-++ y\n", "@@ -1,2 +1 @@\n x\n--- a/q\n", "@@ -1 +1 @@\n", "@@ bad\n", "@@ -x\n"],
    ...["\\ No newline at end of file\n", "-- \n2.39.5\n", "\n", " \n", "prose\n", "+stray\n", "\r\n"],
    ...["GIT binary patch\nliteral 0\nHcmV?d00001\n\nliteral 0\nHcmV?d00001\n\n", "Binary files a/f and b/f differ\n"],
  ];
  test("random lines of patches, cut anywhere, are the same files or the same refusal", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...lines), { maxLength: 14 }),
        fc.constantFrom(1, 2, 3, 7, 20, 1000),
        fc.boolean(),
        async (some, size, cutsEnd) => {
          const patch = cutsEnd ? some.join("").replace(/\n$/u, "") : some.join("");
          expect(await inPieces(patch, size)).toStrictEqual(await asWhole(patch));
        },
      ),
      { numRuns: Number(process.env["PYRO_PROPERTY_RUNS"] ?? 40) * 25 },
    );
  });
});

/** A patch that adds `count` files of `bytes` bytes each, as it comes. */
async function* additions(count: number, bytes: number): AsyncGenerator<Buffer> {
  const line = `+${"0123456789abcdef".repeat(4).slice(1)}\n`;
  const size = line.length - 1;
  const lineCount = Math.floor(bytes / size);
  for (let at = 0; at < count; at += 1) {
    yield Buffer.from(`diff --git a/n${at} b/n${at}\nnew file mode 100644\n--- /dev/null\n+++ b/n${at}\n`);
    yield Buffer.from(`@@ -0,0 +1,${lineCount} @@\n`);
    const block = Buffer.from(line.repeat(1000));
    for (let left = lineCount; left > 0; left -= 1000) yield block.subarray(0, Math.min(left, 1000) * line.length);
  }
}

describe("length", () => {
  test("more than 256 MiB is refused as soon as it is more, and says the way", async () => {
    const block = Buffer.alloc(1024 * 1024, `${"prose ".repeat(2000)}\n`);
    let taken = 0;
    async function* endless() {
      for (;;) {
        taken += 1;
        yield block;
      }
    }
    const error = await readPatch(endless(), inMemory, signal).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "invalid_argument", message: "The patch has more than 256 MiB." });
    expect([(error as PyroError).hint, taken]).toEqual([expect.stringMatching(/^Apply it in parts/u), 257]);
  });

  test("beyond what memory is for, patch and contents lie in one file without a name, and others get their turn", async () => {
    const megabyte = 1024 * 1024;
    const delay = monitorEventLoopDelay({ resolution: 5 });
    {
      await using spool = new Spool(root, "patch", 1000);
      delay.enable();
      const patch = await readPatch(additions(12, megabyte), spool.keep, signal);
      const { writes, files } = await planPatch(folderFiles(root), patch, signal);
      delay.disable();
      expect(readdirSync(root)).toStrictEqual([]);
      expect([files.length, writes.filter(({ content }) => Buffer.isBuffer(content)).length]).toEqual([12, 0]);
      const contents = await Promise.all(writes.slice(-2).map(({ content }) => readKept(content)));
      expect(contents[1]?.toString().split("\n")[0]).toBe(
        "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      );
      expect(contents[0]?.equals(contents[1] ?? Buffer.alloc(0))).toBe(true);
    }
    // Timings differ with the machine; that others get a turn between two files does not.
    expect(delay.count).toBeGreaterThan(3);
  });

  test("a spool gives back what it was given, small and large, and a part of it as it is asked for", async () => {
    await using spool = new Spool(root, "patch", 10);
    const [small, large, more] = [
      Buffer.from("12345"),
      Buffer.alloc(700_000, "abc"),
      Buffer.from("longer than is left"),
    ];
    const kept = [await spool.keep(small), await spool.keep(large), await spool.keep(more)];
    const back = await Promise.all(kept.map(readKept));
    expect([small, large, more].map((each, at) => back[at]?.equals(each))).toStrictEqual([true, true, true]);
    expect(kept.map((each) => each.length)).toStrictEqual([small, large, more].map((each) => each.length));
  });

  test("a change in several parts of a long patch builds on what was worked out before it", async () => {
    writeFileSync(join(root, "f"), "one\ntwo\n");
    const first = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-one\n+ONE\n two\n";
    const second = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n ONE\n-two\n+TWO\n";
    await using spool = new Spool(root, "patch", 0);
    const { writes } = await planPatch(
      folderFiles(root),
      await readPatch([Buffer.from(first + second)], spool.keep, signal),
      signal,
    );
    expect((await readKept(writes[0]?.content ?? Buffer.alloc(0))).toString()).toBe("ONE\nTWO\n");
    expect(readFileSync(join(root, "f"), "utf8")).toBe("one\ntwo\n");
  });
});
