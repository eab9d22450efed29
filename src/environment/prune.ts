// Owns removing what no install needs from an environment cache. Never removes what a running pull still makes.
import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { hasErrno } from "../base/error.js";
import { tryLockFile } from "../base/lock.js";
import type { PruneResult } from "./environment.js";
import { imagePath, readManifest } from "./manifest.js";
import { lockImages } from "./pull.js";
import { removeTree } from "./remove-tree.js";
import type { StorePaths } from "./store-paths.js";

export async function pruneStore(paths: StorePaths, signal: AbortSignal): Promise<PruneResult> {
  await mkdir(paths.locks, { recursive: true });
  const leftovers = await pruneTmp(paths, signal);
  const images = await pruneImages(paths, signal);
  return {
    removed: [...leftovers.removed, ...images.removed],
    freedBytes: leftovers.freedBytes + images.freedBytes,
  };
}

async function pruneTmp(paths: StorePaths, signal: AbortSignal): Promise<PruneResult> {
  const removed: string[] = [];
  let freedBytes = 0;
  for (const entry of await entries(paths.tmp)) {
    await using lock = await tryLockFile(join(paths.locks, `${entry}.lock`), signal);
    if (lock === undefined) continue;
    const path = join(paths.tmp, entry);
    freedBytes += await treeBytes(path);
    await removeTree(path);
    removed.push(entry);
  }
  return { removed, freedBytes };
}

async function pruneImages(paths: StorePaths, signal: AbortSignal): Promise<PruneResult> {
  await using _images = await lockImages(paths, signal);
  const unused = await unusedImages(paths);
  const removed: string[] = [];
  let freedBytes = 0;
  // Manifests are written under this lock too, so what is left of a write is of a process that died.
  const drafts = (await entries(paths.installs)).filter((entry) => entry.endsWith(".tmp"));
  const gone = [
    ...unused.map((entry) => join(paths.images, entry)),
    ...drafts.map((entry) => join(paths.installs, entry)),
  ];
  for (const path of gone) {
    signal.throwIfAborted();
    freedBytes += await treeBytes(path);
    await rm(path, { recursive: true, force: true });
    removed.push(basename(path));
  }
  return { removed, freedBytes };
}

/** File names of the images that no manifest names; none where a newer pyro's manifest may name any of them. */
async function unusedImages(paths: StorePaths): Promise<readonly string[]> {
  const names = (await entries(paths.installs)).filter((entry) => entry.endsWith(".json"));
  const found = await Promise.all(names.map((entry) => readManifest(paths, nameOf(entry))));
  if (found.some(({ kind }) => kind === "newer")) return [];
  const used = new Set(
    found.flatMap((one) => (one.kind === "readable" ? [basename(imagePath(paths, one.manifest.image.sha256))] : [])),
  );
  return (await entries(paths.images)).filter((entry) => !used.has(entry));
}

function nameOf(entry: string): string {
  try {
    return decodeURIComponent(entry.slice(0, -".json".length));
  } catch {
    return entry;
  }
}

/** Disk space below `path`, as far as this user may look. */
async function treeBytes(path: string): Promise<number> {
  const own = await lstat(path).catch(() => undefined);
  if (own === undefined) return 0;
  if (!own.isDirectory()) return own.size;
  const below = await readdir(path).catch(() => []);
  const sizes = await Promise.all(below.map((entry) => treeBytes(join(path, entry))));
  return sizes.reduce((total, size) => total + size, 0);
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}
