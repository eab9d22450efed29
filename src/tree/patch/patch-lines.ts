// Owns walking over a patch's lines and saying where it is damaged. Never interprets a line.
import { PyroError } from "../../base/error.js";

export class PatchLines {
  readonly #lines: readonly string[];
  readonly #first: number;
  #at = 0;

  /** `first` is the number of the text's first line. */
  constructor(text: string, first: number) {
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.#lines = lines;
    this.#first = first;
  }

  /** The current line without its end; undefined at the end. */
  peek(ahead = 0): string | undefined {
    return this.#lines[this.#at + ahead];
  }

  next(): string | undefined {
    const line = this.#lines[this.#at];
    this.#at += 1;
    return line;
  }

  /** Of the current line, from 1. */
  get number(): number {
    return this.#at + this.#first;
  }
}

/** The patch itself is at fault, at this line. */
export function damagedPatch(line: number, why: string): PyroError {
  return new PyroError("invalid_argument", `The patch is damaged at line ${line}: ${why}.`, {
    hint: "Make the patch again, as `git diff` or `diff -u` writes it, and call again.",
    details: { patch_line: line },
  });
}
