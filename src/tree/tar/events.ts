// Owns turning a tar stream into entries and pieces of content, one at a time. Never judges them.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { TarEntry } from "./entry.js";
import { damaged } from "./header.js";
import { TarParser } from "./parser.js";

export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  | { readonly kind: "content"; readonly piece: Buffer }
  | { readonly kind: "end" };

/** What an archive may have besides content: some for itself, more for each entry, in bytes. Nobody waits for an endless one. */
const spareBytes = 64 * 1024 * 1024;
const spareBytesPerEntry = 16 * 1024;

/** Bytes that are taken apart in one go. */
const maxPieceBytes = 128 * 1024;
/** Events between two turns of other work: entries that are left out cost no call that would wait. */
const eventsPerTurn = 500;

/** `end` follows each entry. The stream is left as soon as the reader stops or the signal aborts. */
export async function* tarEvents(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<TarEvent> {
  let events: TarEvent[] = [];
  const parser = new TarParser({
    entry: (entry) => void events.push({ kind: "entry", entry }),
    content: (piece) => void events.push({ kind: "content", piece }),
    entryEnd: () => void events.push({ kind: "end" }),
  });
  let spare = spareBytes;
  let count = 0;
  for await (const piece of piecesOf(untilAborted(stream, signal))) {
    spare -= piece.length;
    parser.push(piece);
    for (const event of events) {
      if (event.kind === "entry") spare += spareBytesPerEntry + (event.entry.kind === "file" ? event.entry.size : 0);
      count += 1;
      if (count % eventsPerTurn === 0) {
        await nextTurn();
        signal.throwIfAborted();
      }
      yield event;
    }
    events = [];
    if (spare < 0) throw damaged("it is mostly padding and headers");
  }
  parser.end();
}

/** Cut where they are large: a piece is taken apart in one go. */
async function* piecesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    const whole = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < whole.length; at += maxPieceBytes) yield whole.subarray(at, at + maxPieceBytes);
  }
}

/** A stream that has stalled must not outlive the signal. */
async function* untilAborted(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const iterator = stream[Symbol.asyncIterator]();
  const aborted = deferred();
  aborted.promise.catch(() => undefined);
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let done = false;
  try {
    for (;;) {
      const result = await Promise.race([iterator.next(), aborted.promise]);
      if (result.done === true) {
        done = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited: a stalled source answers only once it is released elsewhere.
    if (!done) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

function deferred(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<never>((_resolve, onReject) => (reject = onReject));
  return { promise, reject };
}
