// Owns the log's two files: lines of bounded length, files of bounded size. Never fails its writer.
import { closeSync, fstatSync, openSync, renameSync, statfsSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { reserveBytes } from "../base/free-room.js";
import { shortened } from "../base/text.js";

/** Bytes of each of the two files, and where the disk has little room left. */
const maxFileBytes = 4 * 1024 ** 2;
const maxFileBytesWhenShort = 256 * 1024;
/** Bytes of one line. */
export const maxLineBytes = 64 * 1024;
/** Bytes of one text within it, and entries of one list. */
const maxTextLength = 16 * 1024;
const maxListLength = 512;
/** Bytes between two looks at the disk. */
const measureEveryBytes = 64 * 1024;

export interface LogFileOptions {
  readonly path: string;
  /** True where no more than the reserve is left of the disk. */
  readonly isShort?: (folder: string) => boolean;
}

/** The file before the current one. */
export const olderLogPath = (path: string) => `${path}.1`;

/**
 * Each line is written at once, so that it is there also after a kill, and in one piece, so that two processes can write.
 * What cannot be written is counted, and the number written with the next line.
 */
export class LogFile implements Disposable {
  readonly #path: string;
  readonly #isShort: (folder: string) => boolean;
  #fd: number | undefined;
  #size = 0;
  #maxBytes = maxFileBytes;
  #untilMeasured = 0;
  #lost = 0;

  constructor({ path, isShort = hasLittleRoom }: LogFileOptions) {
    this.#path = path;
    this.#isShort = isShort;
  }

  write(entry: Readonly<Record<string, unknown>>): void {
    try {
      const lost = this.#lost === 0 ? entry : { ...entry, lines_lost: this.#lost };
      this.#append(lineOf(lost));
      this.#lost = 0;
    } catch {
      this.#lost += 1;
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd === undefined) return;
    try {
      closeSync(fd);
    } catch {
      // It is gone either way.
    }
  }

  #append(line: Buffer): void {
    this.#measure(line.length);
    let fd = this.#open();
    if (this.#size > 0 && this.#size + line.length > this.#maxBytes) {
      this[Symbol.dispose]();
      renameSync(this.#path, olderLogPath(this.#path));
      fd = this.#open();
    }
    // Where only a part of it finds room, the rest is lost; a reader passes over what is no whole line.
    this.#size += line.length;
    const written = writeSync(fd, line);
    if (written < line.length) throw new RangeError("cut off");
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    this.#fd = openSync(this.#path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
    // After a line that a full disk or a power cut has cut off.
    if (this.#size > 0) this.#size += writeSync(this.#fd, "\n");
    return this.#fd;
  }

  #measure(bytes: number): void {
    this.#untilMeasured -= bytes;
    if (this.#untilMeasured > 0) return;
    this.#untilMeasured = measureEveryBytes;
    this.#maxBytes = this.#isShort(dirname(this.#path)) ? maxFileBytesWhenShort : maxFileBytes;
  }
}

function hasLittleRoom(folder: string): boolean {
  const { blocks, bavail, bsize } = statfsSync(folder);
  return bavail * bsize <= reserveBytes({ totalBytes: blocks * bsize, freeBytes: bavail * bsize });
}

function lineOf(entry: Readonly<Record<string, unknown>>): Buffer {
  const line = Buffer.from(`${JSON.stringify(entry, bounded)}\n`);
  if (line.length <= maxLineBytes) return line;
  const { at, event, call } = entry;
  return Buffer.from(`${JSON.stringify({ at, event, call, cut: line.toString("utf8", 0, maxTextLength) })}\n`);
}

function bounded(_name: string, value: unknown): unknown {
  if (typeof value === "string") return shortened(value, maxTextLength);
  if (Array.isArray(value) && value.length > maxListLength) return value.slice(-maxListLength);
  return typeof value === "bigint" ? String(value) : value;
}
