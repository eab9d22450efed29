// Owns which part of a file a read returns: whole lines, or of one that is too long whole characters. Never opens a file.
import { guestFault } from "../../base/guest-fault.js";
import { maxCharacterBytes, pageLength } from "../../base/text.js";

export interface LinesWanted {
  /** From 1; of the byte offset where one is given. */
  readonly startLine: number;
  readonly lineCount: number;
  /** Instead of a line: where to begin. */
  readonly byteOffset: number | undefined;
  readonly maxBytes: number;
}

export interface LinesRead {
  readonly bytes: Buffer;
  /** Of the first of them, from 1; null where the read began too far inside to count. */
  readonly startLine: number | null;
  /** Lines of which something is here. */
  readonly lineCount: number;
  /** Null where the file is too long to count them. */
  readonly totalLines: number | null;
  readonly byteOffset: number;
  /** Null at the end of the file. */
  readonly nextByteOffset: number | null;
  /** False where it ends within a line. */
  readonly endsLine: boolean;
}

/** Bytes of a file whose lines are all counted, and behind which a read by bytes begins there. */
export const countedBytes = 16 * 1024 * 1024;
const newline = 0x0a;

export interface ReadFile {
  readonly size: number;
  /** Where `chunks` begin: 0, or the byte offset that is wanted. */
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Reads the file up to the end of what is wanted, and a file of up to 16 MiB to its end. */
export async function readLines({ size, from, chunks }: ReadFile, wanted: LinesWanted): Promise<LinesRead> {
  const scan = new Scan(wanted, from);
  for await (const chunk of chunks) {
    if (scan.seen + chunk.length > size) throw guestFault("The guest sent more of a file than was asked.");
    scan.add(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (scan.isFull && size > countedBytes) break;
  }
  return scan.result(size);
}

class Scan {
  readonly #wanted: LinesWanted;
  readonly #parts: Buffer[] = [];
  readonly #from: number;
  /** Place in the file, and line ends that were seen. */
  #seen: number;
  #lineEnds = 0;
  #endsWithLine = true;
  #taken = 0;
  #takenLineEnds = 0;
  #start: { readonly offset: number; readonly line: number | null } | undefined;

  constructor(wanted: LinesWanted, from: number) {
    this.#wanted = wanted;
    this.#from = from;
    this.#seen = from;
    if (from > 0) this.#start = { offset: from, line: null };
    if (wanted.byteOffset === undefined ? wanted.startLine === 1 : wanted.byteOffset === 0)
      this.#start = { offset: 0, line: 1 };
  }

  get seen(): number {
    return this.#seen;
  }

  get isFull(): boolean {
    const { lineCount, maxBytes } = this.#wanted;
    return this.#takenLineEnds >= lineCount || this.#taken >= maxBytes + maxCharacterBytes - 1;
  }

  add(chunk: Buffer): void {
    let rest = chunk;
    if (this.#start === undefined) rest = this.#skip(chunk);
    if (!this.isFull && rest.length > 0) rest = this.#take(rest);
    this.#count(rest);
  }

  /** What comes behind the place where the read begins. */
  #skip(chunk: Buffer): Buffer {
    const { byteOffset, startLine } = this.#wanted;
    let at = 0;
    if (byteOffset !== undefined) at = Math.min(chunk.length, byteOffset - this.#seen);
    else {
      for (let left = startLine - 1 - this.#lineEnds; left > 0 && at < chunk.length; left -= 1) {
        const end = chunk.indexOf(newline, at);
        at = end === -1 ? chunk.length : end + 1;
      }
    }
    this.#count(chunk.subarray(0, at));
    const isThere = byteOffset === undefined ? this.#lineEnds === startLine - 1 : this.#seen === byteOffset;
    if (isThere) this.#start = { offset: this.#seen, line: this.#lineEnds + 1 };
    return chunk.subarray(at);
  }

  #take(bytes: Buffer): Buffer {
    const { lineCount, maxBytes } = this.#wanted;
    const limit = Math.min(bytes.length, maxBytes + maxCharacterBytes - 1 - this.#taken);
    let at = 0;
    while (at < limit && this.#takenLineEnds < lineCount) {
      const end = bytes.subarray(0, limit).indexOf(newline, at);
      at = end === -1 ? limit : end + 1;
      if (end !== -1) this.#takenLineEnds += 1;
    }
    const taken = bytes.subarray(0, at);
    this.#parts.push(Buffer.from(taken));
    this.#taken += taken.length;
    this.#count(taken);
    return bytes.subarray(at);
  }

  #count(bytes: Buffer): void {
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) this.#lineEnds += 1;
    this.#seen += bytes.length;
    if (bytes.length > 0) this.#endsWithLine = bytes.at(-1) === newline;
  }

  result(size: number): LinesRead {
    const found = Buffer.concat(this.#parts);
    const start = this.#start ?? { offset: this.#seen, line: this.#wanted.startLine };
    const bytes = found.subarray(0, lengthOf(found, this.#wanted.maxBytes));
    const end = start.offset + bytes.length;
    const isAtEnd = end >= size || this.#start === undefined;
    const endsLine = bytes.length === 0 || bytes.at(-1) === newline || isAtEnd;
    return {
      bytes,
      startLine: start.line,
      byteOffset: start.offset,
      endsLine,
      lineCount: linesIn(bytes),
      totalLines: this.#seen < size || this.#from > 0 ? null : this.#lineEnds + (this.#endsWithLine ? 0 : 1),
      nextByteOffset: isAtEnd ? null : end,
    };
  }
}

/** Whole lines where one fits, else whole characters. */
function lengthOf(bytes: Buffer, maxBytes: number): number {
  if (bytes.length <= maxBytes) return bytes.length;
  const line = bytes.subarray(0, maxBytes).lastIndexOf(newline) + 1;
  return line > 0 ? line : pageLength(bytes, maxBytes, false);
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count += 1;
  return bytes.length > 0 && bytes.at(-1) !== newline ? count + 1 : count;
}
