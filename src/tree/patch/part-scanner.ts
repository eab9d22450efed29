// Owns where the part of each file begins in a patch that comes in pieces. Never reads more of a line than tells that.
import { isGitHeader } from "./git-headers.js";
import { hunkCounts } from "./parse-hunk.js";
import { damagedPatch } from "./patch-lines.js";

export interface PartText {
  readonly text: Buffer;
  /** Line of the patch with which it begins, from 1. */
  readonly atLine: number;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const plus = 0x2b;
const minus = 0x2d;
const commercialAt = 0x40;
const backslash = 0x5c;
const letterD = 0x64;
/** Bytes of a line that are looked at. */
const lookedAt = 128;

/** `prose`: before the first file. `headers`: of git's format. `body`: whatever follows, hunks apart. */
type Place = "prose" | "headers" | "body";

export class PartScanner {
  #place: Place = "prose";
  /** Lines that the hunk still has. */
  readonly #left = { old: 0, new: 0 };
  /** Of the line at which it goes on, from 1. */
  #line = 1;
  #atLine = 0;
  /** What is known of the current part, without what lies in `#rest`. */
  #part: Buffer[] = [];
  /** Not looked at yet: no line is whole, or more are needed to judge one. */
  #rest: Buffer[] = [];
  #ready: PartText[] = [];

  /** Goes on with what comes next. Throws where no file can be named. */
  add(piece: Buffer): void {
    this.#rest.push(piece);
    if (piece.includes(newline)) this.#scan(false);
  }

  /** Nothing comes any more. */
  end(): void {
    this.#scan(true);
    this.#finishPart();
  }

  /** The parts that are whole by now, each once. */
  taken(): readonly PartText[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #scan(isEnd: boolean): void {
    const bytes = this.#rest.length === 1 ? (this.#rest[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#rest);
    const lines = new Lines(bytes, isEnd);
    let from = 0;
    for (let end = lines.endOf(0); end !== undefined; end = lines.endOf(lines.done)) {
      const at = lines.done;
      if (this.#isPlain(bytes[at])) {
        this.#line += 1;
        lines.done = Math.min(bytes.length, end + 1);
      } else {
        const taken = this.#takeLine(lines, at);
        if (taken === undefined) break;
        if (taken.begins) {
          this.#part.push(bytes.subarray(from, at));
          this.#finishPart();
          from = at;
          this.#place = taken.place;
          this.#atLine = this.#line;
        }
        this.#line += taken.lines;
        lines.done = lines.after(at, taken.lines);
      }
      if (this.#place === "prose") from = lines.done;
    }
    if (this.#place !== "prose") this.#part.push(bytes.subarray(from, lines.done));
    this.#rest = lines.done < bytes.length ? [bytes.subarray(lines.done)] : [];
  }

  /** Whether the line, which is one of a hunk or begins as no line of importance does, is done with. */
  #isPlain(first: number | undefined): boolean {
    if (this.#left.old > 0 || this.#left.new > 0) {
      this.#takeHunkLine(first);
      return true;
    }
    return this.#place !== "headers" && first !== letterD && first !== minus && first !== commercialAt;
  }

  /** Undefined where more lines are needed. */
  #takeLine(
    lines: Lines,
    at: number,
  ): { readonly begins: boolean; readonly lines: number; readonly place: Place } | undefined {
    const goesOn = { begins: false, lines: 1, place: this.#place };
    const line = lines.start(at);
    if (line.startsWith("diff --git ")) return { ...goesOn, begins: true, place: "headers" };
    if (line.startsWith("--- ")) {
      const next = lines.startAfter(at, 1);
      if (next === undefined) return undefined;
      if (next.startsWith("+++ ") && this.#place === "headers") {
        this.#place = "body";
        return { ...goesOn, lines: 2 };
      }
      const third = next.startsWith("+++ ") ? lines.startAfter(at, 2) : "";
      if (third === undefined) return undefined;
      if (third.startsWith("@@ -")) return { begins: true, lines: 2, place: "body" };
    }
    if (this.#place === "headers" && !isGitHeader(line)) this.#place = "body";
    if (line.startsWith("@@ -")) this.#takeHunkHeader(line);
    return goesOn;
  }

  #takeHunkHeader(line: string): void {
    if (this.#place === "prose") throw damagedPatch(this.#line, "a hunk comes before any file name");
    Object.assign(this.#left, hunkCounts(line));
  }

  /** A line that no hunk has, or more of a kind than its header counts, ends it here; whoever reads the part says why. */
  #takeHunkLine(sign: number | undefined): void {
    if (sign === backslash) return;
    if (sign === minus) this.#left.old -= 1;
    else if (sign === plus) this.#left.new -= 1;
    else if (sign === space || sign === newline || sign === carriageReturn) {
      this.#left.old -= 1;
      this.#left.new -= 1;
    } else this.#left.old = -1;
    if (this.#left.old >= 0 && this.#left.new >= 0) return;
    this.#left.old = 0;
    this.#left.new = 0;
  }

  #finishPart(): void {
    // A copy: a piece of the patch would be kept for the sake of one line.
    if (this.#place !== "prose") this.#ready.push({ text: Buffer.concat(this.#part), atLine: this.#atLine });
    this.#part = [];
  }
}

class Lines {
  readonly bytes: Buffer;
  /** Up to where lines were taken. */
  done = 0;
  readonly #isEnd: boolean;

  constructor(bytes: Buffer, isEnd: boolean) {
    this.bytes = bytes;
    this.#isEnd = isEnd;
  }

  /** Where the line that begins at `at` ends, undefined where that is not known or nothing is there. */
  endOf(at: number): number | undefined {
    const end = at < this.bytes.length ? this.bytes.indexOf(newline, at) : -1;
    if (end !== -1) return end;
    return this.#isEnd && at < this.bytes.length ? this.bytes.length : undefined;
  }

  /** Where the line begins that comes `count` lines after the one at `at`. */
  after(at: number, count: number): number {
    let next = at;
    for (let each = 0; each < count; each += 1) next = Math.min(this.bytes.length, (this.endOf(next) ?? next) + 1);
    return next;
  }

  start(at: number): string {
    return this.bytes.toString("latin1", at, Math.min(this.endOf(at) ?? at, at + lookedAt));
  }

  /** The same of a line that comes later; empty behind the last one, undefined where it is not known yet. */
  startAfter(at: number, count: number): string | undefined {
    const next = this.after(at, count);
    if (this.endOf(next) !== undefined) return this.start(next);
    return this.#isEnd ? "" : undefined;
  }
}
