// Owns reading file contents for a diff, bounded and verified. Never believes a size or a seed file's bytes because the guest says so.
import { createHash } from "node:crypto";
import { PyroError } from "../../base/error.js";
import { guestFault } from "../../base/guest-fault.js";
import { type BytePath, displayPath, pathBytes } from "../byte-path.js";
import type { Upcoming } from "./read-ahead.js";
import type { ChangeSource } from "./source.js";
import type { Item } from "./touched-trees.js";

/** What `newChunks` will read. */
export function upcomingNew(path: BytePath, item: Item): Upcoming[] {
  if (isFromSeed(item)) return upcomingOld(item);
  return item.kind === "file" ? [{ root: "workspace", path: pathBytes(path), size: item.size }] : [];
}

/** What `oldChunks` will read. */
export function upcomingOld({ kind, seedPath, size }: Item): Upcoming[] {
  return kind === "file" && seedPath !== undefined ? [{ root: "seed", path: pathBytes(seedPath), size }] : [];
}

/** True while the seed's own file is what stands there. */
function isFromSeed(item: Item): boolean {
  return item.seedPath !== undefined && item.unseen !== true;
}

/** At most `item.size` bytes of the file as it is now: a file that grows meanwhile is cut there, one that shrinks comes shorter. */
export async function* newChunks(
  source: ChangeSource,
  file: { readonly path: BytePath; readonly item: Item },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { path, item } = file;
  if (isFromSeed(item)) {
    yield* oldChunks(source, item, signal);
    return;
  }
  if (item.size === 0) return;
  const opened = await source.openNew(pathBytes(path), signal);
  let left = item.size;
  for await (const chunk of opened.chunks) {
    signal.throwIfAborted();
    // Read to the end where it is where it should be, so that the stream closes by itself.
    if (left === 0) return;
    yield chunk.length <= left ? chunk : chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
  }
}

/** A seed file; fails with `internal` at its end when it is not the file of the manifest. */
export async function* oldChunks(source: ChangeSource, item: Item, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { seedPath, sha256, size } = item;
  if (seedPath === undefined || sha256 === undefined) throw new PyroError("internal", "A seed file has no digest.");
  const hash = createHash("sha256");
  let total = 0;
  const opened = size === 0 ? undefined : await source.openOld(pathBytes(seedPath), signal);
  for await (const chunk of opened?.chunks ?? []) {
    signal.throwIfAborted();
    total += chunk.length;
    if (total > size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (total !== size || hash.digest("hex") !== sha256) {
    throw guestFault(`The guest returned other bytes for ${displayPath(seedPath)} than the seed has.`);
  }
}

export async function sha256Of(chunks: AsyncIterable<Uint8Array>): Promise<{ sha256: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: hash.digest("hex"), size };
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** True when a read failed because nothing is there any more: a program in the guest removed it meanwhile. */
export function isGone(error: unknown): boolean {
  return error instanceof PyroError && error.code === "not_found";
}
