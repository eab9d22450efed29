// Owns keeping a program's output in a file, which the next daemon goes on with. Never decides how much room there is for it.
import { existsSync } from "node:fs";
import { open, stat, writeFile, type FileHandle } from "node:fs/promises";
import { hasErrno } from "../base/error.js";
import { keptOutputBytes } from "./kept.js";
import { OutputLog, type OutputReader, type OutputStore } from "./output-log.js";

/** How many of these bytes may be kept; they count as written. */
export type TakeRoom = (bytes: number) => Promise<number>;

export interface OutputPlace {
  readonly path: string;
  readonly room: TakeRoom;
}

/**
 * Goes on where an earlier daemon stopped; a missing file is an empty one. `writtenBytes`: all that the program has written by
 * now. The guest may have forgotten what an earlier daemon dropped, so that such a stream goes on behind it.
 */
export async function openOutputFile({ path, room }: OutputPlace, writtenBytes = 0n): Promise<OutputLog> {
  const keptBytes = await sizeOf(path);
  const wasDropped = isCut(path) || writtenBytes > BigInt(keptOutputBytes);
  const seenBytes = wasDropped ? Math.max(keptBytes, Number(writtenBytes)) : keptBytes;
  return new OutputLog(new FileStore(path, room), { keptBytes, seenBytes });
}

/** Of a program that may have ended long ago. */
export function readOutputFile(path: string): OutputReader {
  return new FileStore(path, () => Promise.resolve(0));
}

/** There once a stream was cut: what comes later is dropped as well, also by the next daemon. */
function cutMark(path: string): string {
  return `${path}.cut`;
}

function isCut(path: string): boolean {
  return existsSync(cutMark(path));
}

class FileStore implements OutputStore {
  readonly #path: string;
  readonly #room: TakeRoom;
  #handle: FileHandle | undefined;
  #isCut: boolean;

  constructor(path: string, room: TakeRoom) {
    this.#path = path;
    this.#room = room;
    this.#isCut = isCut(path);
  }

  async append(data: Uint8Array): Promise<number> {
    const granted = await this.#room(data.length);
    let at = 0;
    try {
      this.#handle ??= await open(this.#path, "a", 0o600);
      while (at < granted) at += (await this.#handle.write(data.subarray(0, granted), at)).bytesWritten;
    } catch (error) {
      if (!hasErrno(error, "ENOSPC") && !hasErrno(error, "EDQUOT")) throw error;
    }
    return at;
  }

  async read(cursor: number, maxBytes: number): Promise<Buffer> {
    const size = await this.sizeBytes();
    if (cursor >= size) return Buffer.alloc(0);
    await using file = await open(this.#path, "r");
    const length = Math.min(maxBytes, size - cursor);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, cursor);
    return buffer.subarray(0, bytesRead);
  }

  sizeBytes(): Promise<number> {
    return sizeOf(this.#path);
  }

  isCut(): boolean {
    return this.#isCut;
  }

  async cut(): Promise<void> {
    this.#isCut = true;
    await writeFile(cutMark(this.#path), "", { mode: 0o600 }).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return 0;
    throw error;
  }
}
