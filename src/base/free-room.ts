// Owns how much of the host's disk may be filled by what a guest or a model causes: never the last of it. Never frees any.
import { statfs } from "node:fs/promises";
import { freeRoomHint, PyroError } from "./error.js";

/** What is known of a file system. */
export interface DiskSpace {
  readonly totalBytes: number;
  /** For this user. */
  readonly freeBytes: number;
}

export type MeasureDisk = (path: string) => Promise<DiskSpace>;

const leastReserveBytes = 1024 ** 3;
const reserveShare = 0.05;

/** Bytes that stay free: 1 GiB, or 5 % of a larger disk. */
export function reserveBytes({ totalBytes }: DiskSpace): number {
  return Math.max(leastReserveBytes, Math.floor(totalBytes * reserveShare));
}

/** Bytes that may still be written where `path`, which exists, lies; 0 when there are none. */
export async function roomAt(path: string, measure: MeasureDisk = measureDisk): Promise<number> {
  const space = await measure(path);
  return Math.max(0, space.freeBytes - reserveBytes(space));
}

export interface RoomRequest {
  readonly path: string;
  readonly bytes: number;
  /** The subject of a sentence. */
  readonly what: string;
  /** What else helps, behind the usual hint. */
  readonly remedy?: string;
}

/** Refuses to write `bytes` where they would not leave enough free. */
export async function requireRoom(
  { path, bytes, what, remedy }: RoomRequest,
  measure: MeasureDisk = measureDisk,
): Promise<void> {
  const space = await measure(path);
  const kept = reserveBytes(space);
  if (space.freeBytes - bytes >= kept) return;
  throw new PyroError(
    "resource_exhausted",
    `${what} needs ${Math.max(1, mebibytes(bytes))} MiB of disk, but ${path} has ${mebibytes(space.freeBytes)} free, of which ${mebibytes(kept)} are kept free.`,
    {
      hint: freeRoomHint(remedy),
      details: { needed_bytes: bytes, free_bytes: space.freeBytes, kept_bytes: kept, path },
    },
  );
}

/** For a stream of many small writes: looks at the disk now and then, not each time. */
export class RoomMeter {
  readonly #path: string;
  readonly #measure: MeasureDisk;
  readonly #clock: () => number;
  #credit = 0;
  /** When the disk was found to have no room for what was asked; undefined while it has. */
  #fullSince: number | undefined;

  constructor(path: string, measure: MeasureDisk = measureDisk, clock: () => number = () => performance.now()) {
    this.#path = path;
    this.#measure = measure;
    this.#clock = clock;
  }

  /** How many of these bytes may be written; what is granted counts as written. */
  async take(bytes: number): Promise<number> {
    const now = this.#clock();
    const isKnownFull = this.#fullSince !== undefined && now - this.#fullSince < measureEveryMs;
    if (this.#credit < bytes && !isKnownFull) {
      const room = await roomAt(this.#path, this.#measure);
      this.#credit = Math.min(Math.max(creditBytes, bytes), room);
      this.#fullSince = room < bytes ? now : undefined;
    }
    const granted = Math.min(bytes, this.#credit);
    this.#credit -= granted;
    return granted;
  }
}

/** Bytes between two looks at the disk, and milliseconds while it is full. */
const creditBytes = 16 * 1024 ** 2;
const measureEveryMs = 1000;

export async function measureDisk(path: string): Promise<DiskSpace> {
  const { blocks, bavail, bsize } = await statfs(path);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
}
