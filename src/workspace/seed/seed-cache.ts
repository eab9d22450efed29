// Owns the cache of seeds: the same host tree gives the same image, made once. Never knows who uses a seed.
import { realpath, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import type { Task } from "../../base/progress.js";
import { keyOf } from "./cache-key.js";
import { makeFolders, pruneSeeds, seedFolders, type PruneResult, type SeedFolders } from "./cache-folder.js";
import { listDirectory } from "./directory-listing.js";
import { headOf, noHead } from "./git-head.js";
import type { Item } from "./listing.js";
import { archiveName, readArchive } from "./read-archive.js";
import { readItems } from "./read-items.js";
import { seedOf, settled, type FoundSeed } from "./seed-build.js";
import { statPaths } from "./tree-stat.js";

export interface Seed extends FoundSeed {
  readonly mode: "git" | "directory" | "archive" | "empty";
  /** Who chose the path is the caller's to say. */
  readonly originKind: "seed_path" | "none";
  /** The path without symbolic links; null for an empty seed. */
  readonly originRef: string | null;
}

export interface SeedCache {
  /** A checkout by git's rules, any other folder whole. */
  seedFromDirectory(path: string, task: Task): Promise<Seed>;
  /** A tar archive, plain or packed by gzip or zstd; a hostile one is `invalid_argument` with the entry's name. */
  seedFromArchive(path: string, task: Task): Promise<Seed>;
  /** One of the two above, by what is at `path`. */
  seedFromPath(path: string, task: Task): Promise<Seed>;
  emptySeed(task: Task): Promise<Seed>;
  /** Removes the seeds whose digests are not in `keep` and that nobody asked for in the last hour. */
  prune(keep: ReadonlySet<string>, signal: AbortSignal): Promise<PruneResult>;
}

export interface SeedCacheOptions {
  /** `<cache>/seeds`; made when missing. */
  readonly root: string;
  readonly clock: () => Date;
}

interface Cache {
  readonly folders: SeedFolders;
  readonly clock: () => Date;
}

/** A seed that was asked for but is perhaps not used yet stays this long. */
const pruneAfterMs = 3_600_000;

export function openSeedCache({ root, clock }: SeedCacheOptions): SeedCache {
  const cache: Cache = { folders: seedFolders(root), clock };
  return {
    seedFromDirectory: async (path, task) => directorySeed(cache, path, task),
    seedFromArchive: async (path, task) => archiveSeed(cache, path, task),
    seedFromPath: async (path, task) =>
      (await isFile(path)) ? archiveSeed(cache, path, task) : directorySeed(cache, path, task),
    emptySeed: async (task) => emptySeed(cache, task),
    async prune(keep, signal) {
      await makeFolders(cache.folders);
      return pruneSeeds(cache.folders, { keep, signal, before: new Date(clock().getTime() - pruneAfterMs) });
    },
  };
}

async function directorySeed({ folders, clock }: Cache, path: string, task: Task): Promise<Seed> {
  await makeFolders(folders);
  const { signal, progress } = task;
  let facts: Pick<Seed, "mode" | "originKind" | "originRef"> | undefined;
  const seed = await settled(path, async () => {
    progress({ phase: "seed", message: "Listing the seed" });
    const listedAt = clock().getTime() / 1000;
    const { items, skipped, mode, root, gitDir } = await listDirectory(path, signal);
    facts = { mode, originKind: "seed_path", originRef: root };
    const source = {
      ...{ items, skipped, ...keyOf({ items, skipped, origin: `${mode} ${root}` }, listedAt) },
      head: async () => (gitDir === undefined ? noHead : headOf(gitDir, signal)),
      read: async (sink: Parameters<typeof readItems>[0]) => readItems(sink, { items, signal, progress }),
    };
    return seedOf(folders, source, signal);
  });
  return { mode: "directory", originKind: "seed_path", originRef: path, ...facts, ...seed };
}

async function archiveSeed({ folders, clock }: Cache, path: string, task: Task): Promise<Seed> {
  await makeFolders(folders);
  if (!archiveName.test(path) || !(await isFile(path))) {
    throw new PyroError(
      "invalid_argument",
      `The seed ${path} is no folder and no .tar, .tar.gz, .tgz or .tar.zst file.`,
      {
        hint: "Name a folder, or an archive of one of these kinds.",
      },
    );
  }
  const file = await realpath(path);
  const seed = await settled(path, async () => {
    const listedAt = clock().getTime() / 1000;
    const root = dirname(file);
    const name = Buffer.from(basename(file)).toString("latin1");
    const found = await statPaths(root, { paths: [name], signal: task.signal });
    const items = found.map((entry): Item => {
      const original = { kind: "copied", root, found: entry, path: name } as const;
      const { identity, changed } = entry;
      return { kind: "made", path: name, identity, changed, source: original, content: undefined };
    });
    const source = {
      ...{ items, skipped: [], ...keyOf({ items, skipped: [], origin: `archive ${file}` }, listedAt) },
      head: async () => Promise.resolve(noHead),
      async read(sink: Parameters<typeof readItems>[0]) {
        await readArchive(sink, { path: file, task });
        return { skipped: [], torn: [], inconsistent: false };
      },
    };
    return seedOf(folders, source, task.signal);
  });
  return { ...seed, mode: "archive", originKind: "seed_path", originRef: file };
}

async function emptySeed({ folders }: Cache, task: Task): Promise<Seed> {
  await makeFolders(folders);
  const source = {
    ...{ items: [], skipped: [], ...keyOf({ items: [], skipped: [], origin: "empty" }, 0) },
    head: async () => Promise.resolve(noHead),
    read: async () => Promise.resolve({ skipped: [], torn: [], inconsistent: false }),
  };
  const seed = await settled("An empty seed", async () => seedOf(folders, source, task.signal));
  return { ...seed, mode: "empty", originKind: "none", originRef: null };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP"].some((code) => hasErrno(error, code))) return false;
    throw error;
  }
}
