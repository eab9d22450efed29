// Owns whether standard input has something to pass on. Never reads it.
import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";
import { isatty } from "node:tty";

/** Standard input when it is a pipe, a file or a socket; undefined for terminals, /dev/null and closed ones. */
export function pipedStdin(process: { readonly stdin: Readable }, fd = 0): Readable | undefined {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isFile() || stat.isSocket() ? process.stdin : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a person would type there. */
export function isTerminalInput(fd = 0): boolean {
  return isatty(fd);
}
