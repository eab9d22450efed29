// Owns one output stream of a program on the host, within its bound: written at the end, read by cursor. Never lets a reader hold it up.
import { characterEnd, characterStart, maxCharacterBytes, pageLength, shownBytes, wholeLength } from "../base/text.js";
import { keptOutputBytes, type OutputExcerpt } from "./output.js";

/** What is kept of a stream: its beginning, without a gap. */
export interface OutputReader {
  sizeBytes(): Promise<number>;
  /** Bytes from the cursor on, at most `maxBytes`; none beyond the end. */
  read(cursor: number, maxBytes: number): Promise<Buffer>;
  /** Whether something of the stream was dropped. */
  isCut(): boolean;
}

/** Where it is kept. */
export interface OutputStore extends OutputReader {
  /** Resolves with how many of the bytes are kept, the first ones; fewer than all only where there is no room. */
  append(data: Uint8Array): Promise<number>;
  /** Notes that what comes from now on is dropped, also by who opens it later. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

interface Counts {
  readonly keptBytes: number;
  readonly seenBytes: number;
}

export class OutputLog implements OutputReader {
  readonly #store: OutputStore;
  readonly #limit: number;
  #kept: number;
  #seen: number;

  /** `counts` are of what an earlier log of the same store has kept and seen. */
  constructor(store: OutputStore, counts: Counts = { keptBytes: 0, seenBytes: 0 }, limitBytes = keptOutputBytes) {
    this.#store = store;
    this.#kept = counts.keptBytes;
    this.#seen = counts.seenBytes;
    this.#limit = limitBytes;
  }

  /** Bytes that the program wrote as far as is known, those dropped included. */
  get seenBytes(): number {
    return this.#seen;
  }

  get droppedBytes(): number {
    return this.#seen - this.#kept;
  }

  /** Never fails for lack of room: the program goes on, and what was dropped is counted. */
  async append(data: Uint8Array): Promise<void> {
    if (!this.#store.isCut()) {
      const wanted = data.subarray(0, Math.max(0, this.#limit - this.#kept));
      const kept = wanted.length === 0 ? 0 : await this.#store.append(wanted);
      this.#kept += kept;
      if (kept < data.length) await this.#store.cut();
    }
    this.#seen += data.length;
  }

  sizeBytes(): Promise<number> {
    return this.#store.sizeBytes();
  }

  read(cursor: number, maxBytes: number): Promise<Buffer> {
    return this.#store.read(cursor, maxBytes);
  }

  isCut(): boolean {
    return this.#store.isCut();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

export interface ExcerptBounds {
  /** Bytes of the stream that are shown; nothing for 0. */
  readonly maxBytes: number;
  /** More may come: half a character at the end is left to the next look. */
  readonly isOpen: boolean;
}

/** Bytes that are read beyond a cut, to see whether it is in the middle of a character. */
const aheadBytes = maxCharacterBytes - 1;

/** All that is kept if it has at most `maxBytes`, else its head and tail with a line between them; cut between characters. */
export async function excerptOf(output: OutputReader, { maxBytes, isOpen }: ExcerptBounds): Promise<OutputExcerpt> {
  if (maxBytes === 0) return { text: "", truncated: false, base64: undefined };
  const size = await output.sizeBytes();
  const endsOpen = isOpen || output.isCut();
  if (size <= maxBytes) {
    const all = await output.read(0, size);
    return { ...shownBytes(endsOpen ? all.subarray(0, wholeLength(all)) : all), truncated: output.isCut() };
  }
  const half = Math.floor(maxBytes / 2);
  const start = await output.read(0, half + aheadBytes);
  const head = start.subarray(0, characterEnd(start, half));
  const from = Math.max(0, size - half - aheadBytes);
  const end = await output.read(from, size - from);
  const tail = end.subarray(characterStart(end, size - half - from), endsOpen ? wholeLength(end) : end.length);
  const gap = `\n[… ${size - head.length - tail.length} bytes left out here …]\n`;
  return { text: head.toString("utf8") + gap + tail.toString("utf8"), truncated: true, base64: undefined };
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
