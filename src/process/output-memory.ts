// Owns keeping a program's output in memory, for one that nothing is kept of. Never bounds it.
import { OutputLog, type OutputStore } from "./output-log.js";

export function openOutputMemory(limitBytes?: number): OutputLog {
  return new OutputLog(new MemoryStore(), undefined, limitBytes);
}

class MemoryStore implements OutputStore {
  #chunks: Buffer[] = [];
  #size = 0;
  #isCut = false;

  append(data: Uint8Array): Promise<number> {
    // A copy: a chunk may be a part of a larger message, which would stay with it.
    this.#chunks.push(Buffer.from(data));
    this.#size += data.length;
    return Promise.resolve(data.length);
  }

  read(cursor: number, maxBytes: number): Promise<Buffer> {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return Promise.resolve(this.#chunks[0]?.subarray(cursor, cursor + maxBytes) ?? Buffer.alloc(0));
  }

  sizeBytes(): Promise<number> {
    return Promise.resolve(this.#size);
  }

  isCut(): boolean {
    return this.#isCut;
  }

  cut(): Promise<void> {
    this.#isCut = true;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
