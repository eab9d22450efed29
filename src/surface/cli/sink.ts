// Owns writing to an output stream of this process, however slow or short-lived its reader is. Never formats.
import type { Writable } from "node:stream";
import { hasErrno } from "../../base/error.js";

export interface Sink {
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where there is none. */
  columns(): number;
  /** Resolves when it is written, and also when nobody reads any more. */
  write(data: string | Uint8Array): Promise<void>;
}

/** `onFailure` is called once: with `closed` when the reader has gone, else with what went wrong. */
export function createSink(
  stream: Writable & { readonly isTTY?: boolean; readonly columns?: number },
  onFailure: (reason: "closed" | Error) => void,
): Sink {
  let failed = false;
  stream.on("error", (error) => {
    if (failed) return;
    failed = true;
    onFailure(hasErrno(error, "EPIPE") || hasErrno(error, "ECONNRESET") ? "closed" : error);
  });
  return {
    isTerminal: stream.isTTY === true,
    columns: () => stream.columns ?? 80,
    write: (data) => {
      if (failed) return Promise.resolve();
      return new Promise((resolve) => stream.write(data, () => resolve()));
    },
  };
}
