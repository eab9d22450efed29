// Owns writing to an output stream of this process, however slow or short-lived its reader is. Never lets a text steer a terminal.
import type { Writable } from "node:stream";
import { hasErrno } from "../../base/error.js";
import { visible } from "../../base/visible.js";
import type { Paint } from "./paint.js";

export interface Sink {
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where there is none. */
  columns(): number;
  /** Text for a person, whoever it comes from, painted where there are colours. Resolves when it is written, and also when nobody reads any more. */
  write(text: string, paint?: Paint): Promise<void>;
  /** As it is, whatever it does to a terminal: a command's own output, documents for programs, our own drawing. */
  pass(data: string | Uint8Array): Promise<void>;
}

export interface SinkOptions {
  /** No colours where absent. */
  readonly colours?: boolean;
  /** `terminal`: a file or a pipe gets texts as they are, since a patch must stay one. */
  readonly guard: "always" | "terminal";
  /** Called once: with `closed` when the reader has gone, else with what went wrong. */
  readonly onFailure: (reason: "closed" | Error) => void;
}

export function createSink(
  stream: Writable & { readonly isTTY?: boolean; readonly columns?: number },
  { guard, colours = false, onFailure }: SinkOptions,
): Sink {
  let failed = false;
  stream.on("error", (error) => {
    if (failed) return;
    failed = true;
    onFailure(hasErrno(error, "EPIPE") || hasErrno(error, "ECONNRESET") ? "closed" : error);
  });
  const isTerminal = stream.isTTY === true;
  const pass = (data: string | Uint8Array): Promise<void> => {
    if (failed) return Promise.resolve();
    return new Promise((resolve) => stream.write(data, () => resolve()));
  };
  return {
    isTerminal,
    columns: () => stream.columns ?? 80,
    write: (text, paint) => {
      const shown = isTerminal || guard === "always" ? visible(text) : text;
      return pass(colours && paint !== undefined ? paint(shown) : shown);
    },
    pass,
  };
}
