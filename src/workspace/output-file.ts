// Owns the host's copy of one output stream of a command, within its bound. Never lets a reader hold it up.
import { existsSync } from "node:fs";
import { open, stat, writeFile, type FileHandle } from "node:fs/promises";
import { hasErrno } from "../base/error.js";
import { keptOutputBytes } from "../process/output.js";

/** How many of these bytes may be kept; they count as written. */
export type TakeRoom = (bytes: number) => Promise<number>;

/** There while a stream was cut for lack of room: what comes later is dropped as well, also by the next daemon. */
function cutMark(path: string): string {
  return `${path}.cut`;
}

export function isCut(path: string): boolean {
  return existsSync(cutMark(path));
}

export class OutputFile {
  readonly #path: string;
  readonly #room: TakeRoom;
  #handle: FileHandle | undefined;
  #kept: number;
  #seen: number;
  #cut: boolean;

  private constructor(path: string, room: TakeRoom, counts: { readonly kept: number; readonly seen: number }) {
    this.#path = path;
    this.#room = room;
    this.#kept = counts.kept;
    this.#seen = counts.seen;
    this.#cut = isCut(path);
  }

  /** Goes on where an earlier daemon stopped; a missing file is an empty one. `seen` counts what was dropped before. */
  static async open(path: string, room: TakeRoom, seen?: bigint): Promise<OutputFile> {
    const kept = await sizeOf(path);
    return new OutputFile(path, room, { kept, seen: Math.max(kept, Number(seen ?? 0n)) });
  }

  /** Bytes that the program wrote as far as is known, those dropped included. */
  get seenBytes(): number {
    return this.#seen;
  }

  get droppedBytes(): number {
    return this.#seen - this.#kept;
  }

  /** Never fails for lack of room: the command goes on, and what was dropped is counted. */
  async append(data: Uint8Array): Promise<void> {
    const wanted = this.#cut ? 0 : Math.min(data.length, keptOutputBytes - this.#kept);
    if (wanted > 0) {
      const granted = await this.#room(wanted);
      const written = await this.#write(data.subarray(0, granted));
      this.#kept += written;
      if (written < wanted) await this.#cutHere();
    }
    this.#seen += data.length;
  }

  async #write(data: Uint8Array): Promise<number> {
    let at = 0;
    try {
      this.#handle ??= await open(this.#path, "a", 0o600);
      while (at < data.length) at += (await this.#handle.write(data, at)).bytesWritten;
    } catch (error) {
      if (!hasErrno(error, "ENOSPC") && !hasErrno(error, "EDQUOT")) throw error;
    }
    return at;
  }

  /** What is kept is the stream's beginning, without a gap. */
  async #cutHere(): Promise<void> {
    this.#cut = true;
    await writeFile(cutMark(this.#path), "", { mode: 0o600 }).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

export interface OutputExcerpt {
  readonly text: string;
  readonly truncated: boolean;
  /** The bytes, where they are not UTF-8 and all of them are here. */
  readonly base64: string | undefined;
  readonly totalBytes: number;
}

/** The whole stream if it has at most `maxBytes`, else its head and tail with a line between them; nothing for 0. */
export async function readExcerpt(path: string, maxBytes: number): Promise<OutputExcerpt> {
  const totalBytes = await sizeOf(path);
  if (totalBytes === 0 || maxBytes === 0) return { text: "", truncated: false, base64: undefined, totalBytes };
  await using file = await open(path, "r");
  if (totalBytes <= maxBytes) {
    const bytes = await readRange(file, 0, totalBytes);
    const text = bytes.toString("utf8");
    const exact = !text.includes("\uFFFD") || Buffer.from(text).equals(bytes);
    return { text, truncated: false, base64: exact ? undefined : bytes.toString("base64"), totalBytes };
  }
  const half = Math.floor(maxBytes / 2);
  const head = (await readRange(file, 0, half)).toString("utf8");
  const tail = (await readRange(file, totalBytes - half, half)).toString("utf8");
  const gap = `\n[… ${totalBytes - 2 * half} bytes left out; workspace_logs with sequence, stream and offset reads them …]\n`;
  return { text: head + gap + tail, truncated: true, base64: undefined, totalBytes };
}

/** Bytes from `offset` on, at most `maxBytes`. */
export async function readOutput(path: string, offset: number, maxBytes: number): Promise<Buffer> {
  const size = await sizeOf(path);
  if (offset >= size) return Buffer.alloc(0);
  await using file = await open(path, "r");
  return await readRange(file, offset, Math.min(maxBytes, size - offset));
}

async function readRange(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return 0;
    throw error;
  }
}
