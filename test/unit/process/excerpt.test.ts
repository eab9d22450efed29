// Proves that output which is too long is cut once, between lines where it has any, and that what is said of the gap is true.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { excerptOf, excerptsOf, gapLine, type OutputExcerpt } from "../../../src/process/excerpt.js";
import { openOutputMemory } from "../../../src/process/output-memory.js";

async function logOf(bytes: string | Buffer) {
  const log = openOutputMemory();
  await log.append(Buffer.from(bytes as string));
  return log;
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");

test("400,000 bytes of lines are shown as their first and last, with the lines between them counted", async () => {
  const all = lines(70_000);
  const { text, truncated, base64, gap } = await excerptOf(await logOf(all), { maxBytes: 20_000, isOpen: false });
  const [head = "", tail = ""] = text.split(/^\[….*…\]\n/mu);
  expect([truncated, base64, all.startsWith(head), all.endsWith(tail)]).toEqual([true, undefined, true, true]);
  const [first, last] = [head.split("\n").length, 70_000 - tail.split("\n").length + 1];
  expect(gap).toEqual({
    ...{ at: head.length, byte_offset: head.length, byte_count: all.length - head.length - tail.length },
    ...{ first_line: first, last_line: last, total_lines: 70_000, whole_lines: true },
  });
  expect(text).toBe(`${head}[… lines ${first}–${last} of 70000 left out here, ${gap?.byte_count} bytes …]\n${tail}`);
  expect(all.slice(gap?.byte_offset).startsWith(`${first}\n`)).toBe(true);
  expect(JSON.stringify(text).length).toBeGreaterThan(18_000);
});

test("a line that is too long is cut within, and said so", async () => {
  const { text, gap } = await excerptOf(await logOf("x".repeat(400_000)), { maxBytes: 100, isOpen: false });
  expect(text).toBe(`${"x".repeat(50)}\n[… part of line 1 of 1 left out here, 399900 bytes …]\n${"x".repeat(50)}`);
  expect(gap).toMatchObject({ at: 51, byte_offset: 50, byte_count: 399_900, whole_lines: false });
});

test("two streams share what there is: the one that needs less leaves the rest to the other", async () => {
  const sizes = async (out: number, err: number) => {
    const streams = { stdout: await logOf("o".repeat(out)), stderr: await logOf("e".repeat(err)) };
    const { stdout, stderr } = await excerptsOf(streams, { maxBytes: 1000, isOpen: false });
    const shown = ({ text, gap }: OutputExcerpt) => text.length - (gap === undefined ? 0 : gapLine(gap).length + 2);
    return [shown(stdout), shown(stderr)];
  };
  expect(
    await Promise.all([sizes(600, 300), sizes(5000, 100), sizes(100, 5000), sizes(5000, 5000), sizes(0, 0)]),
  ).toEqual([
    [600, 300],
    [900, 100],
    [100, 900],
    [500, 500],
    [0, 0],
  ]);
});

const piece = fc.oneof(
  fc.constantFrom("\n", "line\n", "€", "😀", '"', "\\", "\u0007", "x".repeat(30)).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
);

test("head, gap and tail are the stream, whatever it holds, and fit as JSON", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 1, max: 200 }), async (pieces, maxBytes) => {
      const bytes = Buffer.concat(pieces);
      const { text, gap } = await excerptOf(await logOf(bytes), { maxBytes, isOpen: false });
      if (gap === undefined) return text === bytes.toString("utf8") && JSON.stringify(text).length - 2 <= maxBytes;
      const [from, to] = [gap.byte_offset, gap.byte_offset + gap.byte_count];
      const [head, tail] = [bytes.toString("utf8", 0, from), bytes.toString("utf8", to)];
      const end = head === "" || head.endsWith("\n") ? "" : "\n";
      const before = (at: number) => bytes.subarray(0, at).filter((byte) => byte === 0x0a).length;
      const isWhole = (at: number) => at === 0 || bytes[at - 1] === 0x0a;
      expect(text).toBe(`${head}${end}${gapLine(gap)}\n${tail}`);
      expect(gap).toEqual({
        ...{ at: head.length + end.length, byte_offset: from, byte_count: to - from },
        ...{ first_line: before(from) + 1, last_line: before(to) + (isWhole(to) ? 0 : 1) },
        ...{ total_lines: before(bytes.length) + (isWhole(bytes.length) ? 0 : 1) },
        whole_lines: isWhole(from) && isWhole(to),
      });
      expect(head + bytes.toString("utf8", from, to) + tail).toBe(bytes.toString("utf8"));
      return gap.byte_count > 0 && JSON.stringify(head + tail).length - 2 <= maxBytes;
    }),
  );
});
