// Owns what /workspace and the seed hold wherever the upper layer was touched, by overlayfs' rules. Never reads a file's content.
import { setImmediate as nextTurn } from "node:timers/promises";
import { PyroError } from "../../base/error.js";
import { guestFault } from "../../base/guest-fault.js";
import { inTurns } from "../../base/in-turns.js";
import {
  type BytePath,
  baseName,
  bytePath,
  displayPath,
  foldersAbove,
  isInGitFolder,
  joinPath,
  movedPath,
  parentPath,
  pathBytes,
  rootPath,
  trustedPath,
} from "../byte-path.js";
import type { SeedRecord } from "../seed/manifest-line.js";
import type { ChangeSource, SeedTree, TouchedEntry } from "./source.js";

export interface Item {
  readonly kind: "file" | "directory" | "symlink" | "socket" | "fifo" | "device";
  readonly mode: number;
  /** Bytes of a file, or of a link's target. */
  readonly size: number;
  readonly linkTarget?: Uint8Array | undefined;
  /** Lower-case hex; absent where only reading the file tells. */
  readonly sha256?: string | undefined;
  /** Where the seed has this very file. */
  readonly seedPath?: BytePath | undefined;
  /** Seen through a hard link only: what it is now is not known before it is opened. */
  readonly unseen?: boolean | undefined;
}

export interface TouchedTrees {
  readonly old: Map<BytePath, Item>;
  readonly now: Map<BytePath, Item>;
  /** Touched `.git` below a folder, of which nothing else is here. */
  readonly gitFolders: Map<BytePath, Item>;
}

interface Walk extends TouchedTrees {
  readonly signal: AbortSignal;
  readonly seed: SeedTree;
  readonly upper: Map<BytePath, TouchedEntry>;
  /** The seed's folder under each touched folder; undefined where there is none. */
  readonly lowerOf: Map<BytePath, BytePath | undefined>;
  /** Touched paths that hide what the folder above them brings from the seed. */
  readonly cuts: Set<BytePath>;
  /** Paths whose whole old subtree, or that there was none, is in `old`. */
  readonly replaced: Set<BytePath>;
  readonly groups: Set<string>;
  /** What the seed may still bring in: a guest can have every folder come from all of it. */
  readonly left: { entries: number; bytes: number };
}

/** Entries of the seed, each time that it is looked at, and bytes of their paths in the comparison. */
const maxSeedEntries = 1_000_000;
const maxSeedPathBytes = 512 * 1024 * 1024;

/** Entries between two turns of other work. */
const entriesPerTurn = 1000;

async function spend(walk: Walk, path: BytePath): Promise<void> {
  walk.left.entries -= 1;
  walk.left.bytes -= path.length;
  if (walk.left.entries % entriesPerTurn === 0) {
    await nextTurn();
    walk.signal.throwIfAborted();
  }
  if (walk.left.entries >= 0 && walk.left.bytes >= 0) return;
  throw new PyroError("resource_exhausted", "Too many files of the seed were moved to be compared.", {
    hint: "Export what you need, or reset the workspace.",
  });
}

/** Everything below paths that were touched, before and now, without `.git`. */
export async function touchedTrees(source: ChangeSource, seed: SeedTree, signal: AbortSignal): Promise<TouchedTrees> {
  const gitFolders = new Map<BytePath, Item>();
  const upper = await readTouched(source, gitFolders, signal);
  const walk: Walk = {
    seed,
    signal,
    upper,
    old: new Map(),
    now: new Map(),
    gitFolders,
    lowerOf: new Map([[rootPath, rootPath]]),
    cuts: new Set(),
    replaced: new Set(),
    groups: new Set(),
    left: { entries: maxSeedEntries, bytes: maxSeedPathBytes },
  };
  // A folder sorts before what is in it.
  const paths = [...upper.keys()].sort();
  const regions: BytePath[] = [];
  for await (const path of inTurns(paths, signal)) if (await isRegion(walk, path)) regions.push(path);
  for await (const path of inTurns(regions, signal)) await addRegion(walk, path);
  await addLinkedNames(walk);
  return walk;
}

async function readTouched(
  source: ChangeSource,
  gitFolders: Map<BytePath, Item>,
  signal: AbortSignal,
): Promise<Map<BytePath, TouchedEntry>> {
  const upper = new Map<BytePath, TouchedEntry>();
  for await (const entry of source.touched(signal)) {
    const path = bytePath(entry.path);
    if (path.endsWith("/.git") && entry.kind !== "whiteout") gitFolders.set(path, touchedItem(entry, entry.kind));
    if (path === rootPath || isInGitFolder(path)) continue;
    if (upper.has(path)) throw guestFault(`The guest listed ${displayPath(path)} twice.`);
    if (!Number.isSafeInteger(entry.size) || entry.size < 0) {
      throw guestFault(`The guest gave ${displayPath(path)} an impossible size.`);
    }
    upper.set(path, entry);
  }
  return upper;
}

/** True where the path is more than a folder merged with the seed's folder of the same place. */
async function isRegion(walk: Walk, path: BytePath): Promise<boolean> {
  const entry = walk.upper.get(path);
  if (entry?.kind !== "directory") {
    walk.cuts.add(path);
    walk.lowerOf.set(path, undefined);
    return true;
  }
  const inherited = inheritedLower(walk, path);
  const stated = entry.redirect === undefined ? path : bytePath(entry.redirect);
  const wanted = entry.opaque === true ? undefined : stated;
  const isFolder =
    wanted !== undefined && (wanted === rootPath || (await walk.seed.lookup(pathBytes(wanted)))?.kind === "directory");
  const lower = isFolder ? wanted : undefined;
  walk.lowerOf.set(path, lower);
  if (lower === undefined || lower !== inherited) walk.cuts.add(path);
  return walk.cuts.has(path);
}

/** Where the seed's part of a folder comes from when nothing happened to the folder itself: from its parent's source. */
function inheritedLower(walk: Walk, path: BytePath): BytePath | undefined {
  const parent = parentPath(path) ?? rootPath;
  const lower = walk.lowerOf.has(parent) ? walk.lowerOf.get(parent) : inheritedLower(walk, parent);
  return lower === undefined ? undefined : joinPath(lower, baseName(path));
}

async function addRegion(walk: Walk, path: BytePath): Promise<void> {
  await addOld(walk, path);
  const entry = walk.upper.get(path);
  if (entry === undefined || entry.kind === "whiteout") return;
  walk.now.set(path, touchedItem(entry, entry.kind));
  const lower = walk.lowerOf.get(path);
  if (lower === undefined) return;
  for await (const seedEntry of walk.seed.below(pathBytes(lower))) {
    const seedPath = trustedPath(seedEntry.path);
    const moved = movedPath(seedPath, lower, path);
    await spend(walk, moved);
    if (isInGitFolder(moved) || isHidden(walk, moved, path)) continue;
    walk.now.set(moved, seedItem(seedEntry, seedEntry.group !== ""));
    if (seedEntry.group !== "") walk.groups.add(seedEntry.group);
  }
}

function isHidden(walk: Walk, path: BytePath, region: BytePath): boolean {
  if (walk.cuts.has(path)) return true;
  for (const folder of foldersAbove(path)) {
    if (folder.length <= region.length) return false;
    if (walk.cuts.has(folder)) return true;
  }
  return false;
}

async function addOld(walk: Walk, path: BytePath): Promise<void> {
  for (const folder of foldersAbove(path)) if (walk.replaced.has(folder)) return;
  walk.replaced.add(path);
  const entry = await walk.seed.lookup(pathBytes(path));
  if (entry === undefined) return;
  await addOldEntry(walk, entry);
  if (entry.kind !== "directory") return;
  for await (const below of walk.seed.below(pathBytes(path))) await addOldEntry(walk, below);
}

async function addOldEntry(walk: Walk, entry: SeedRecord): Promise<void> {
  const path = trustedPath(entry.path);
  await spend(walk, path);
  if (entry.group !== "") walk.groups.add(entry.group);
  if (!isInGitFolder(path)) walk.old.set(path, seedItem(entry, false));
}

/** With `index=on` a write through one name of a seed file shows under its other names, which the upper layer does not list. */
async function addLinkedNames(walk: Walk): Promise<void> {
  if (walk.groups.size === 0) return;
  for await (const entry of walk.seed.linked(walk.groups)) {
    const path = trustedPath(entry.path);
    if (walk.old.has(path) || isInGitFolder(path) || isMovedAway(walk, path)) continue;
    walk.old.set(path, seedItem(entry, false));
    walk.now.set(path, seedItem(entry, true));
  }
}

function isMovedAway(walk: Walk, path: BytePath): boolean {
  if (walk.now.has(path)) return true;
  for (const folder of foldersAbove(path)) if (walk.replaced.has(folder)) return true;
  return false;
}

function touchedItem({ mode, size, linkTarget }: TouchedEntry, kind: Item["kind"]): Item {
  if (kind === "symlink") return { kind, mode, size: linkTarget?.length ?? 0, linkTarget };
  return { kind, mode, size: kind === "file" ? size : 0 };
}

export function seedItem(entry: SeedRecord, unseen: boolean): Item {
  const { path, kind, mode, size, target, sha256 } = entry;
  const item = { kind, mode, size, seedPath: trustedPath(path), ...(unseen && kind === "file" ? { unseen } : {}) };
  if (kind === "symlink") return { ...item, size: target.length, linkTarget: Buffer.from(target, "latin1") };
  return kind === "file" ? { ...item, sha256 } : item;
}
