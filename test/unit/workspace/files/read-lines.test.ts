// Proves that pages of a file are the file: by lines, by bytes, and within a line that is longer than a page.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countedBytes, readLines, type LinesWanted } from "../../../../src/workspace/files/read-lines.js";

const everything: LinesWanted = { startLine: 1, lineCount: 1000, byteOffset: undefined, maxBytes: 100_000 };

/** Its chunks are of so many bytes. */
function fileOf(bytes: Buffer, chunk = 5) {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunk) yield await Promise.resolve(bytes.subarray(at, at + chunk));
  }
  return { size: bytes.length, from: 0, chunks: chunks() };
}

async function read(text: string, wanted: Partial<LinesWanted> = {}) {
  const { bytes, ...rest } = await readLines(fileOf(Buffer.from(text)), { ...everything, ...wanted });
  return { text: bytes.toString(), ...rest };
}

test("lines are counted from 1, and the place to go on with is behind the last of them", async () => {
  const text = "one\ntwo\nthree\nfour";
  expect([
    await read(text),
    await read(text, { startLine: 2, lineCount: 2 }),
    await read(text, { startLine: 4 }),
  ]).toEqual([
    { text, startLine: 1, lineCount: 4, totalLines: 4, byteOffset: 0, nextByteOffset: null, endsLine: true },
    {
      text: "two\nthree\n",
      startLine: 2,
      lineCount: 2,
      totalLines: 4,
      byteOffset: 4,
      nextByteOffset: 14,
      endsLine: true,
    },
    { text: "four", startLine: 4, lineCount: 1, totalLines: 4, byteOffset: 14, nextByteOffset: null, endsLine: true },
  ]);
});

test("a page ends with a line, unless not one fits: then with a character, and never with none", async () => {
  expect([
    await read("one\ntwo\n", { maxBytes: 7 }),
    await read("€uro\n", { maxBytes: 4 }),
    await read("€uro\n", { maxBytes: 1 }),
  ]).toEqual([
    { text: "one\n", startLine: 1, lineCount: 1, totalLines: 2, byteOffset: 0, nextByteOffset: 4, endsLine: true },
    { text: "€u", startLine: 1, lineCount: 1, totalLines: 1, byteOffset: 0, nextByteOffset: 4, endsLine: false },
    { text: "€", startLine: 1, lineCount: 1, totalLines: 1, byteOffset: 0, nextByteOffset: 3, endsLine: false },
  ]);
});

test("an empty file has no line, and what begins behind the end has nothing", async () => {
  const nothing = { text: "", lineCount: 0, nextByteOffset: null, endsLine: true };
  expect([await read(""), await read("a\nb", { startLine: 9 }), await read("a\nb", { byteOffset: 99 })]).toEqual([
    { ...nothing, startLine: 1, totalLines: 0, byteOffset: 0 },
    { ...nothing, startLine: 9, totalLines: 2, byteOffset: 3 },
    { ...nothing, startLine: 1, totalLines: 2, byteOffset: 3 },
  ]);
});

test("of a long file the lines are not all counted, and a read far inside begins there", async () => {
  const size = countedBytes * 2;
  let sent = 0;
  async function* zeros() {
    for (; sent < size; sent += 65_536) yield await Promise.resolve(Buffer.alloc(65_536, "x\n"));
  }
  const first = await readLines({ size, from: 0, chunks: zeros() }, { ...everything, maxBytes: 4 });
  expect([first.bytes.toString(), first.totalLines, first.nextByteOffset, sent]).toEqual(["x\nx\n", null, 4, 0]);
  const inside = { ...everything, byteOffset: countedBytes + 1, maxBytes: 4 };
  const far = await readLines({ size, from: countedBytes + 1, chunks: zeros() }, inside);
  expect([far.bytes.toString(), far.startLine, far.nextByteOffset]).toEqual(["x\nx\n", null, countedBytes + 5]);
});

test("a guest that sends more than it said is not believed", async () => {
  const file = { ...fileOf(Buffer.from("abcdef")), size: 3 };
  await expect(readLines(file, everything)).rejects.toThrow("The guest sent more of a file than was asked.");
});

const piece = fc.oneof(
  fc.constantFrom("\n", "\r\n", "line\n", "€", "😀", "x".repeat(20)).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
);
const contents = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.concat(pieces));

test("pages one after the other are the file, byte for byte and character for character, by lines and by bytes", async () => {
  await fc.assert(
    fc.asyncProperty(
      contents,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (...given) => {
        const [bytes, maxBytes, lineCount, byLines] = given;
        const pages: Buffer[] = [];
        let wanted: LinesWanted = { ...everything, maxBytes, lineCount };
        for (;;) {
          const page = await readLines(fileOf(bytes, 3), wanted);
          pages.push(page.bytes);
          const before = bytes.subarray(0, page.byteOffset).filter((byte) => byte === 0x0a).length;
          expect([page.startLine, page.bytes.length > maxBytes && maxBytes > 3]).toEqual([before + 1, false]);
          if (page.nextByteOffset === null) break;
          expect(page.nextByteOffset).toBeGreaterThan(page.byteOffset);
          const next =
            byLines && page.endsLine
              ? { startLine: before + 1 + page.lineCount, byteOffset: undefined }
              : { byteOffset: page.nextByteOffset };
          wanted = { ...everything, maxBytes, lineCount, ...next };
        }
        expect(Buffer.concat(pages)).toEqual(bytes);
        expect(pages.map((page) => page.toString("utf8")).join("")).toBe(bytes.toString("utf8"));
      },
    ),
  );
});
