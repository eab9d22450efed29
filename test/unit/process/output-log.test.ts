// Proves that a program's output is kept from its beginning, without a gap and within one bound, wherever it lies, and is read by cursor.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isText, shownBytes } from "../../../src/base/text.js";
import { viewOfOutput } from "../../../src/process/output.js";
import { openOutputFile, readOutputFile } from "../../../src/process/output-file.js";
import { excerptOf, wholeOf } from "../../../src/process/excerpt.js";
import type { OutputLog } from "../../../src/process/output-log.js";
import { openOutputMemory } from "../../../src/process/output-memory.js";

const folder = mkdtempSync(join(tmpdir(), "pyro-output-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const all = (bytes: number) => Promise.resolve(bytes);
const bounds = (maxBytes: number) => ({ maxBytes, isOpen: false });
const text = (log: OutputLog) => wholeOf(log, false);
let files = 0;
const newPath = () => join(folder, String((files += 1)));

async function write(log: OutputLog, ...pieces: readonly (string | Uint8Array)[]): Promise<OutputLog> {
  for (const piece of pieces) await log.append(Buffer.from(piece as string));
  return log;
}

const kinds = [
  { kind: "memory", openLog: () => Promise.resolve(openOutputMemory()) },
  { kind: "a file", openLog: () => openOutputFile({ path: newPath(), room: all }) },
];

describe.each(kinds)("output in $kind", ({ openLog }) => {
  test("is read by cursor, while more is written", async () => {
    const log = await write(await openLog(), "first ", "second");
    expect((await log.read(0, 5)).toString()).toBe("first");
    await write(log, " third");
    const pieces = await Promise.all([log.read(6, 6), log.read(12, 100), log.read(18, 1), log.read(1000, 1)]);
    expect(pieces.map(String)).toEqual(["second", " third", "", ""]);
    expect([await log.sizeBytes(), log.seenBytes, log.droppedBytes, log.isCut()]).toEqual([18, 18, 0, false]);
    await log.close();
  });

  test("of 65 MiB is kept to its first 64, and what comes later is dropped and counted, never put behind the gap", async () => {
    const log = await openLog();
    const mebibyte = Buffer.alloc(1024 * 1024, "x");
    for (let at = 0; at < 65; at += 1) await log.append(mebibyte);
    await write(log, "late");
    expect([await log.sizeBytes(), log.droppedBytes, log.isCut()]).toEqual([64 * 1024 ** 2, 1024 ** 2 + 4, true]);
    expect((await log.read(64 * 1024 ** 2 - 2, 10)).toString()).toBe("xx");
    // A reader of the result is told that it is not all.
    expect((await text(log)).truncated).toBe(true);
    await log.close();
  });

  test("as an excerpt is whole with its bytes where it is no text, or else head and tail with a line between", async () => {
    const plain = await write(await openLog(), "häuser\u{fffd}");
    const bytes = await write(await openLog(), Uint8Array.from([0x61, 0xff]));
    const long = await write(await openLog(), "0123456789");
    expect([
      await text(await openLog()),
      await text(plain),
      await text(bytes),
      await excerptOf(long, bounds(4)),
      await excerptOf(long, bounds(0)),
    ]).toEqual([
      { text: "", truncated: false, base64: undefined },
      { text: "häuser\u{fffd}", truncated: false, base64: undefined },
      { text: "a\u{fffd}", truncated: false, base64: "Yf8=" },
      {
        ...{ text: "01\n[… part of line 1 of 1 left out here, 6 bytes …]\n89", truncated: true, base64: undefined },
        gap: expect.objectContaining({ at: 3, byte_offset: 2, byte_count: 6 }) as object,
      },
      { text: "", truncated: false, base64: undefined },
    ]);
  });
});

describe("output in a file", () => {
  test("is gone on with by the next daemon where the last one stopped", async () => {
    const path = newPath();
    const earlier = await write(await openOutputFile({ path, room: all }), "before");
    await earlier.close();
    const later = await openOutputFile({ path, room: all }, 10n);
    expect(later.seenBytes).toBe(6);
    await write(later, "after");
    await later.close();
    expect((await readOutputFile(path).read(0, 100)).toString()).toBe("beforeafter");
  });

  test("stays cut for the next daemon, which follows behind what the guest may have forgotten", async () => {
    const path = newPath();
    const log = await write(await openOutputFile({ path, room: (bytes) => all(Math.min(bytes, 3)) }), "abcdef");
    await log.close();
    const later = await write(await openOutputFile({ path, room: all }, 20n), "more");
    await later.close();
    expect([later.seenBytes, later.droppedBytes, (await readOutputFile(path).read(0, 100)).toString()]).toEqual([
      24,
      21,
      "abc",
    ]);
    expect(await excerptOf(readOutputFile(path), bounds(100))).toEqual({
      text: "abc",
      truncated: true,
      base64: undefined,
    });
  });

  test("that was never written is empty, and reading it makes none", async () => {
    const path = newPath();
    const none = readOutputFile(path);
    expect([await none.sizeBytes(), (await none.read(0, 10)).length, none.isCut(), existsSync(path)]).toEqual([
      0,
      0,
      false,
      false,
    ]);
  });
});

test("text is UTF-8 and nothing else, whatever it contains", () => {
  const samples = ["", "a\0b", "\u{feff}mark", "\u{fffd}", "€"].map((each) => Buffer.from(each));
  const others = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0, 0x80]].map((each) =>
    Buffer.from(each),
  );
  expect([samples.map(isText), others.map(isText)]).toEqual([samples.map(() => true), others.map(() => false)]);
  expect(shownBytes(Buffer.from([0xc3]))).toEqual({ text: "\u{fffd}", base64: "ww==" });
});

test("results have a stream's bytes only where its text is not enough", () => {
  const plain = { text: "out", truncated: false, base64: undefined };
  expect(
    viewOfOutput({ stdout: plain, stderr: { text: "\u{fffd}", truncated: true, base64: "/w==" }, droppedBytes: 4 }),
  ).toEqual({
    ...{ stdout: "out", stderr: "\u{fffd}", stdout_truncated: false, stderr_truncated: true, stderr_base64: "/w==" },
    dropped_bytes: 4,
  });
});
