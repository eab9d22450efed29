// Owns reading the daemon's log, whether a daemon runs or not. Never writes to it.
import { open, type FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import type { LogQuery } from "../operations/parts.js";
import { olderLogPath } from "./log-file.js";

/** A line of the log; what else it has depends on its event. */
const entrySchema = z.looseObject({ at: z.string(), event: z.string(), call: z.string().optional() });
type LogEntry = z.output<typeof entrySchema>;

/** Milliseconds between two looks for new lines. */
const lookEveryMs = 200;
/** Bytes of one of the two files that are read at most: more than pyro writes. */
const maxReadBytes = 8 * 1024 ** 2;
const chunkBytes = 64 * 1024;

/** Oldest first. Lines that are none of the log's are left out, such as one that was cut off. */
export async function readLog(path: string, query: LogQuery): Promise<readonly LogEntry[]> {
  await using tail = await LogTail.open(path);
  return wantedOf(await tail.all(), query).slice(-query.lines);
}

export interface Follower {
  readonly signal: AbortSignal;
  /** Gets what is there at first, and then what is written. */
  take(entries: readonly LogEntry[]): Promise<void>;
}

/** Hands on the last lines and every later one, over changes of files, until it is aborted. */
export async function followLog(path: string, query: LogQuery, { signal, take }: Follower): Promise<void> {
  await using tail = await LogTail.open(path);
  await take(wantedOf(await tail.all(), query).slice(-query.lines));
  while (await passed(lookEveryMs, signal)) {
    const wanted = wantedOf(await tail.next(), query);
    if (wanted.length > 0) await take(wanted);
  }
}

function wantedOf(entries: readonly LogEntry[], { call }: LogQuery): readonly LogEntry[] {
  return call === undefined ? entries : entries.filter((entry) => entry.call === call);
}

/** False once it is aborted. */
async function passed(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  return open(path, "r").catch(() => undefined);
}

async function isSameFile(one: FileHandle, other: FileHandle): Promise<boolean> {
  const [left, right] = await Promise.all([one.stat(), other.stat()]);
  return left.ino === right.ino && left.dev === right.dev;
}

/** The current file, whichever that is. */
class LogTail implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  #lines: LineReader | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(path: string): Promise<LogTail> {
    const tail = new LogTail(path);
    await tail.#turnTo(await openFile(path));
    return tail;
  }

  /** What both files have. */
  async all(): Promise<readonly LogEntry[]> {
    await using older = await openFile(olderLogPath(this.#path));
    const isOther = older !== undefined && (this.#file === undefined || !(await isSameFile(older, this.#file)));
    const before = isOther ? await (await readerOf(older)).next() : [];
    return [...before, ...((await this.#lines?.next()) ?? [])];
  }

  /** What has been written since the last look. */
  async next(): Promise<readonly LogEntry[]> {
    const entries = (await this.#lines?.next()) ?? [];
    const current = await openFile(this.#path);
    if (current === undefined) return entries;
    if (this.#file !== undefined && (await isSameFile(this.#file, current))) {
      await current.close();
      return entries;
    }
    // What came after that look went to the file that has been set aside since.
    const rest = (await this.#lines?.next()) ?? [];
    await this.#turnTo(current);
    return [...entries, ...rest, ...((await this.#lines?.next()) ?? [])];
  }

  async #turnTo(file: FileHandle | undefined): Promise<void> {
    await this.#file?.close();
    this.#file = file;
    this.#lines = file && (await readerOf(file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turnTo(undefined);
  }
}

async function readerOf(file: FileHandle): Promise<LineReader> {
  return new LineReader(file, Math.max(0, (await file.stat()).size - maxReadBytes));
}

/** Whole lines from a place in a file on; the beginning of one waits for its end. */
class LineReader {
  readonly #file: FileHandle;
  #position: number;
  #rest = Buffer.alloc(0);

  constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#position = position;
  }

  /** Up to the file's end as it is now. */
  async next(): Promise<readonly LogEntry[]> {
    const parts = [this.#rest];
    for (;;) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, this.#position);
      if (bytesRead === 0) break;
      this.#position += bytesRead;
      parts.push(buffer.subarray(0, bytesRead));
    }
    const bytes = Buffer.concat(parts);
    const end = bytes.lastIndexOf(10) + 1;
    this.#rest = bytes.subarray(end);
    return bytes.toString("utf8", 0, end).split("\n").flatMap(parseLine);
  }
}

function parseLine(text: string): readonly LogEntry[] {
  try {
    return [entrySchema.parse(JSON.parse(text))];
  } catch {
    return [];
  }
}
