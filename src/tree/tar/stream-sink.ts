// Owns turning entries that are pushed into a tar stream that is pulled, with little of it in memory. Never reads files.
import { once, EventEmitter } from "node:events";
import type { EntrySink } from "./sink.js";
import { paddingOf } from "./entry.js";
import { encodeHeader, endMark, type WritableEntry } from "./writer.js";

/** Bytes that may wait for the reader. */
const windowBytes = 1024 * 1024;

export class TarStreamSink implements EntrySink {
  readonly #pieces: Buffer[] = [];
  readonly #events = new EventEmitter();
  #waiting = 0;
  #size = 0;
  #ended = false;
  #failure: Error | undefined;
  #abandoned = false;

  add(entry: WritableEntry): void {
    this.#size = entry.size;
    this.#push(encodeHeader(entry));
  }

  write(piece: Buffer): void {
    this.#push(piece);
  }

  end(): void {
    const padding = paddingOf(this.#size);
    if (padding > 0) this.#push(Buffer.alloc(padding));
  }

  async ready(): Promise<void> {
    while (this.#waiting > windowBytes && !this.#abandoned) await once(this.#events, "taken");
    if (this.#abandoned) throw new Error("Nobody reads the archive any more.");
  }

  /** No more entries come; with an error the reader gets that instead of the archive's end. */
  finish(failure?: Error): void {
    if (failure === undefined) this.#push(endMark);
    this.#failure = failure;
    this.#ended = true;
    this.#events.emit("given");
  }

  async *read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#waiting -= piece.length;
          this.#events.emit("taken");
          yield piece;
        } else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#ended) return;
        else await once(this.#events, "given");
      }
    } finally {
      this.#abandoned = true;
      this.#events.emit("taken");
    }
  }

  #push(piece: Buffer): void {
    this.#waiting += piece.length;
    this.#pieces.push(piece);
    this.#events.emit("given");
  }
}
