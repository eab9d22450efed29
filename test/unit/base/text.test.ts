// Proves that whoever cuts bytes or texts at any place loses, doubles and breaks no character.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cleanJson, jsonLine } from "../../../src/base/json-line.js";
import { characterEnd, characterStart, pageLength, shortened, wholeLength } from "../../../src/base/text.js";
import { pageOf } from "../../../src/process/excerpt.js";
import { openOutputMemory } from "../../../src/process/output-memory.js";

/** Text, other bytes, and characters that are cut off, in any mixture. */
const piece = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.constantFrom("ä", "€", "😀", "\u{10ffff}", "\u{800}"), fc.nat(3))
    .map(([text, length]) => Buffer.from(text).subarray(0, length)),
  fc
    .constantFrom(0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0x80, 0x9f, 0xa0, 0x8f, 0x90, 0xbf)
    .map((byte) => Buffer.from([byte])),
);
const bytesOf = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.concat(pieces));
const runs = { numRuns: 500 };

test("two parts of bytes that are cut between characters read as the whole does", () => {
  fc.assert(
    fc.property(bytesOf, fc.nat(80), (bytes, place) => {
      const at = Math.min(place, bytes.length);
      for (const cut of [characterEnd(bytes, at), characterStart(bytes, at)]) {
        expect(bytes.toString("utf8", 0, cut) + bytes.toString("utf8", cut)).toBe(bytes.toString("utf8"));
        expect(Math.abs(cut - at)).toBeLessThan(4);
      }
      expect(characterEnd(bytes, at) <= at && characterStart(bytes, at) >= at).toBe(true);
    }),
    runs,
  );
});

test("pages of a stream that still grows are the stream, byte for byte and character for character, and each goes on", async () => {
  await fc.assert(
    fc.asyncProperty(
      bytesOf,
      fc.array(fc.nat(20), { maxLength: 6 }),
      fc.integer({ min: 1, max: 7 }),
      async (bytes, places, maxBytes) => {
        const log = openOutputMemory();
        const pages: Buffer[] = [];
        let [offset, from] = [0, 0];
        const readOn = async (isOpen: boolean) => {
          for (;;) {
            const page = await pageOf(log, { offset, maxBytes, isOpen });
            if (page.length === 0) return;
            offset += page.length;
            pages.push(Buffer.from(page));
          }
        };
        for (const place of [...places.toSorted((left, right) => left - right), bytes.length]) {
          const to = Math.max(from, Math.min(place, bytes.length));
          if (to > from) await log.append(bytes.subarray(from, to));
          from = to;
          await readOn(true);
        }
        await readOn(false);
        expect(Buffer.concat(pages)).toEqual(bytes);
        expect(pages.map((page) => page.toString("utf8")).join("")).toBe(bytes.toString("utf8"));
      },
    ),
    runs,
  );
});

test("a character is one page where the page is smaller, and one that is not all there waits only while more may come", () => {
  const euro = Buffer.from("€a");
  expect([1, 2, 3, 4].map((maxBytes) => pageLength(euro, maxBytes, false))).toEqual([3, 3, 3, 4]);
  const half = Buffer.from("a€").subarray(0, 3);
  expect([pageLength(half, 9, true), pageLength(half, 9, false), wholeLength(Buffer.from([0x61, 0xe2, 0x41]))]).toEqual(
    [1, 3, 3],
  );
});

test("a shortened text ends with a whole character", () => {
  expect([shortened("ab😀c", 3), shortened("ab😀c", 4), shortened("ab😀", 4)]).toEqual(["ab…", "ab😀…", "ab😀"]);
});

test("JSON that leaves is one line to every reader and has no half of a surrogate pair, and reads as what it was", () => {
  const value = { "a\u2028b": "x\u0085y\u2029z", half: "\ud83d-\udc00", not: String.raw`\ud800 \\udfff`, whole: "😀" };
  const line = jsonLine(value);
  expect(line.split(/[\n\v\f\r\u001c-\u001e\u0085\u2028\u2029]/u)).toEqual([line.slice(0, -1), ""]);
  expect(JSON.parse(line)).toEqual({ ...value, half: "\u{fffd}-\u{fffd}" });
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("\\", "u", "d800", "\ud800", "\udc00", '"', "\n", "\u2028") }),
      (text) => {
        const read: unknown = JSON.parse(cleanJson(JSON.stringify(text)));
        expect(read).toBe(text.replaceAll(/\p{Surrogate}/gu, "\u{fffd}"));
      },
    ),
    runs,
  );
});
