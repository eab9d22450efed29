// Owns one output stream of a program on the host, within its bound: written at the end, read by cursor. Never lets a reader hold it up.
import { keptOutputBytes } from "./kept.js";

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
