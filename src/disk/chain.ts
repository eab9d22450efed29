// Owns a machine's disk as a chain of layers: making one, and giving it away. Never knows what runs on it.
import { rename, rm } from "node:fs/promises";
import { crashPoint } from "../base/crash-point.js";
import { keepFile } from "../base/keep-file.js";
import { diskBytes } from "./formatted-disk.js";
import { writeOverlay } from "./qcow2.js";

export interface DiskLayer {
  /** Absolute. */
  readonly path: string;
  /** `raw` has all of a disk's content; `qcow2`, what differs from the layer below, which it does not name. */
  readonly format: "raw" | "qcow2";
}

export interface DiskChain {
  /** What the machine writes. */
  readonly top: DiskLayer;
  /** What that lies over, nearest first. Nobody writes to these again. */
  readonly below: readonly DiskLayer[];
  /** Its content may be lost when the host crashes, so that nothing has to wait for it. */
  readonly throwAway: boolean;
}

/** Where a disk lies that outlives its machine. */
export interface DiskPlace {
  /** What its machine writes. */
  readonly path: string;
  /** A name of its own for what that lies over: cleaning a cache does not take it away. */
  readonly basePath: string;
}

/** A disk in one file, which is written itself. */
export function wholeDisk(path: string): DiskChain {
  return { top: { path, format: "raw" }, below: [], throwAway: false };
}

/** The disk that was made at this place. */
export function diskAt({ path, basePath }: DiskPlace): DiskChain {
  return overBase(path, basePath, false);
}

/** A new disk, like the one at `formatted`, in the place of whatever was there. */
export async function makeDisk(place: DiskPlace, formatted: string): Promise<DiskChain> {
  await rm(place.path, { force: true });
  await keepFile(formatted, place.basePath);
  const disk = await layOver(place.basePath, place.path);
  crashPoint("disk made");
  return disk;
}

/** A new disk at `path`, which must not exist, over that at `basePath` itself. */
export async function layOver(basePath: string, path: string, { throwAway = false } = {}): Promise<DiskChain> {
  await writeOverlay(path, diskBytes);
  return overBase(path, basePath, throwAway);
}

/** Gives a disk that was laid over `basePath` to a place; the machine that has it open keeps it. */
export async function moveDisk(path: string, basePath: string, place: DiskPlace): Promise<void> {
  await keepFile(basePath, place.basePath);
  crashPoint("disk base kept");
  await rename(path, place.path);
  crashPoint("disk handed over");
}

function overBase(path: string, basePath: string, throwAway: boolean): DiskChain {
  return { top: { path, format: "qcow2" }, below: [{ path: basePath, format: "raw" }], throwAway };
}
