// Owns bytes that are kept for the time of one call: a few in memory, more in a file that has no name. Never outlives its owner.
import { randomBytes } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { PyroError, freeRoomHint } from "./error.js";
import { RoomMeter } from "./free-room.js";

export interface KeptInFile {
  readonly length: number;
  read(): Promise<Buffer>;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Bytes in memory are themselves. */
export type Kept = Buffer | KeptInFile;

/** Keeps bytes that nobody changes any more. */
export type Keep = (bytes: Buffer) => Promise<Kept>;

export async function readKept(kept: Kept): Promise<Buffer> {
  return Buffer.isBuffer(kept) ? kept : kept.read();
}

/** Bytes in memory of one spool, and of a piece that is read back. */
const maxMemoryBytes = 16 * 1024 * 1024;
const pieceBytes = 256 * 1024;

export class Spool implements AsyncDisposable {
  readonly #prefix: string;
  readonly #room: RoomMeter;
  #memoryLeft: number;
  #file: Promise<FileHandle> | undefined;
  #size = 0;

  /** Its file lies in `folder`; a process that dies between making it and taking its name away leaves a draft of `name`. */
  constructor(folder: string, name: string, memoryBytes = maxMemoryBytes) {
    this.#prefix = `${folder}/${name}`;
    this.#room = new RoomMeter(folder);
    this.#memoryLeft = memoryBytes;
  }

  readonly keep: Keep = async (bytes) => {
    if (bytes.length <= this.#memoryLeft) {
      this.#memoryLeft -= bytes.length;
      return bytes;
    }
    const start = this.#size;
    this.#size += bytes.length;
    this.#file ??= openNameless(`${this.#prefix}.${randomBytes(6).toString("hex")}.tmp`);
    const file = await this.#file;
    if ((await this.#room.take(bytes.length)) < bytes.length) throw noRoom(bytes.length);
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, start + at);
      at += bytesWritten;
    }
    return keptIn(file, start, bytes.length);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const file = await this.#file?.catch(() => undefined);
    await file?.close();
  }
}

async function openNameless(path: string): Promise<FileHandle> {
  const file = await open(path, "wx+", 0o600);
  await rm(path);
  return file;
}

function keptIn(file: FileHandle, start: number, length: number): KeptInFile {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < length;) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, length - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, start + at);
      if (bytesRead === 0) throw new PyroError("internal", "A kept file is shorter than what was put there.");
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  }
  const read = async (): Promise<Buffer> => {
    const whole = Buffer.allocUnsafe(length);
    let at = 0;
    for await (const chunk of chunks()) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  };
  return { length, chunks, read };
}

function noRoom(bytes: number): PyroError {
  return new PyroError("resource_exhausted", `There is no room on the disk for ${bytes} bytes of what is worked on.`, {
    hint: freeRoomHint(),
  });
}
