// Owns what is shown of a stream: all of it, a page, or its head and tail with what is left out between them counted. Never keeps any.
import * as z from "zod";
import { characterEnd, characterStart, maxCharacterBytes, pageLength, shownBytes, wholeLength } from "../base/text.js";
import { jsonLengthWithin } from "../base/json-length.js";
import { allOutputBytes } from "./kept.js";
import type { OutputReader } from "./output-log.js";

/** What is missing of a stream between its head and its tail. */
export const outputGap = z.object({
  at: z.int().describe("UTF-16 units of the text before the line that stands for the gap."),
  byte_offset: z.int().describe("Of the stream: where the gap begins."),
  byte_count: z.int(),
  first_line: z.int().describe("Of the stream, from 1: the first of which something is missing."),
  last_line: z.int(),
  total_lines: z.int(),
  whole_lines: z.boolean().describe("False where it begins or ends within a line."),
});

export type OutputGap = z.output<typeof outputGap>;

/** What is shown of one stream. */
export interface OutputExcerpt {
  readonly text: string;
  readonly truncated: boolean;
  /** The bytes, where they are not UTF-8 and all of them are here. */
  readonly base64: string | undefined;
  readonly gap?: OutputGap;
}

export interface ExcerptBounds {
  /** Bytes of the stream that are shown, as JSON writes them; nothing for 0. */
  readonly maxBytes: number;
  /** More may come: half a character at the end is left to the next look. */
  readonly isOpen: boolean;
}

/** Bytes that are read beyond a cut, to see whether it is in the middle of a character. */
const aheadBytes = maxCharacterBytes - 1;
const scanBytes = 1024 * 1024;
const newline = 0x0a;

/** All that is kept. */
export async function wholeOf(output: OutputReader, isOpen: boolean): Promise<OutputExcerpt> {
  const all = await output.read(0, await output.sizeBytes());
  const isCut = output.isCut();
  return { ...shownBytes(isOpen || isCut ? all.subarray(0, wholeLength(all)) : all), truncated: isCut };
}

/** All that is kept where it fits, else its head and tail with a line between them: whole lines, or at least whole characters. */
export async function excerptOf(output: OutputReader, { maxBytes, isOpen }: ExcerptBounds): Promise<OutputExcerpt> {
  if (maxBytes === 0) return { text: "", truncated: false, base64: undefined };
  const size = await output.sizeBytes();
  if (size <= maxBytes && jsonLengthWithin(await output.read(0, size), maxBytes) === size)
    return wholeOf(output, isOpen);
  const half = Math.floor(Math.min(maxBytes, size) / 2);
  const head = headOf(await output.read(0, half + aheadBytes), half);
  const from = Math.max(head.length, size - half - aheadBytes);
  const end = await output.read(from, size - from);
  const tail = tailOf(end, { at: Math.max(0, size - half - from), isOpen: isOpen || output.isCut() });
  const to = from + tail.from;
  const at = { from: head.length, to };
  const before = head.length === 0 || head.at(-1) === newline ? head.toString("utf8") : `${head.toString("utf8")}\n`;
  const gap = {
    at: before.length,
    byte_offset: head.length,
    byte_count: to - head.length,
    ...(await linesOf(output, at)),
  };
  return { text: `${before}${gapLine(gap)}\n${tail.text}`, truncated: true, base64: undefined, gap };
}

/** Both streams of a program within bounds that are for both together; a stream that needs less leaves the rest to the other. */
export async function excerptsOf<Stream extends string>(
  streams: Readonly<Record<Stream, OutputReader>>,
  { maxBytes, isOpen }: ExcerptBounds,
): Promise<Record<Stream, OutputExcerpt>> {
  const names = Object.keys(streams) as Stream[];
  const sizes = await Promise.all(names.map((name) => streams[name].sizeBytes()));
  const share = Math.floor(maxBytes / names.length);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const excerpts = names.map(async (name, index) => {
    const others = all - (sizes[index] ?? 0);
    const excerpt =
      maxBytes >= allOutputBytes
        ? wholeOf(streams[name], isOpen)
        : excerptOf(streams[name], { maxBytes: Math.max(share, maxBytes - others), isOpen });
    return [name, await excerpt] as const;
  });
  return Object.fromEntries(await Promise.all(excerpts)) as Record<Stream, OutputExcerpt>;
}

/** The line that stands for a gap; `how` says how to read it. */
export function gapLine({ byte_count: bytes, whole_lines: isWhole, ...gap }: OutputGap, how = ""): string {
  const { first_line: first, last_line: last, total_lines: total } = gap;
  const lines = first === last ? `line ${first}` : `lines ${first}–${last}`;
  return `[… ${isWhole ? "" : "part of "}${lines} of ${total} left out here, ${bytes} bytes${how} …]`;
}

export interface PageRequest {
  readonly offset: number;
  /** More where one character has more. */
  readonly maxBytes: number;
  readonly isOpen: boolean;
}

/** Bytes from the offset on, whole characters: pages one after the other are the stream. */
export async function pageOf(output: OutputReader, { offset, maxBytes, isOpen }: PageRequest): Promise<Buffer> {
  const bytes = await output.read(offset, maxBytes + aheadBytes);
  return bytes.subarray(0, pageLength(bytes, maxBytes, isOpen));
}

function headOf(bytes: Buffer, limit: number): Buffer {
  const fits = characterEnd(bytes, jsonLengthWithin(bytes.subarray(0, limit), limit));
  const line = bytes.subarray(0, fits).lastIndexOf(newline) + 1;
  return bytes.subarray(0, line > fits / 2 ? line : fits);
}

interface Tail {
  readonly from: number;
  readonly text: string;
}

function tailOf(bytes: Buffer, { at, isOpen }: { readonly at: number; readonly isOpen: boolean }): Tail {
  const end = isOpen ? wholeLength(bytes) : bytes.length;
  const limit = bytes.length - at;
  // The same from the end.
  const fits = jsonLengthWithin(bytes.subarray(at).toReversed(), limit);
  const start = characterStart(bytes, bytes.length - fits);
  const line = bytes[start - 1] === newline ? start : bytes.indexOf(newline, start) + 1;
  const from = line > 0 && bytes.length - line > fits / 2 ? line : start;
  return { from, text: bytes.toString("utf8", from, end) };
}

/** Counts the lines of the stream, and which of them the bytes from `from` up to `to` are of. */
async function linesOf(output: OutputReader, { from, to }: { readonly from: number; readonly to: number }) {
  const size = await output.sizeBytes();
  let [before, until, all] = [0, 0, 0];
  for (let at = 0; at < size; at += scanBytes) {
    const bytes = await output.read(at, scanBytes);
    for (let found = bytes.indexOf(newline); found !== -1; found = bytes.indexOf(newline, found + 1)) {
      all += 1;
      if (at + found < from) before += 1;
      if (at + found < to) until += 1;
    }
  }
  const endsLine = async (place: number) => place === 0 || (await output.read(place - 1, 1))[0] === newline;
  const [startsWhole, endsWhole, isEnded] = [await endsLine(from), await endsLine(to), await endsLine(size)];
  return {
    first_line: before + 1,
    last_line: until + (endsWhole ? 0 : 1),
    total_lines: all + (isEnded ? 0 : 1),
    whole_lines: startsWhole && endsWhole,
  };
}
