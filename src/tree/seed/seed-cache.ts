// Owns the cache of seeds: the same host tree gives the same image, made once. Never knows who uses a seed.
import { basename, dirname } from "node:path";
import { PyroError } from "../../base/error.js";
import { openWithin, type AllowedRoots, type OpenedPath } from "../../base/host-roots.js";
import { stageDone } from "../../base/stage.js";
import type { Task } from "../../base/progress.js";
import { withinTime } from "../../base/within-time.js";
import { keyOf } from "./cache-key.js";
import { makeFolders, pruneSeeds, seedFolders, type PruneResult, type SeedFolders } from "./cache-folder.js";
import { listDirectory } from "./directory-listing.js";
import { headOf, noHead } from "../git/head.js";
import type { Item } from "./listing.js";
import { archiveName, readArchive } from "./read-archive.js";
import { readItems } from "./read-items.js";
import { seedOf, settled, type FoundSeed } from "./seed-build.js";
import { openSource } from "./seed-source.js";
import type { FoundPath } from "./tree-stat.js";

export interface Seed extends FoundSeed {
  readonly mode: "git" | "directory" | "archive" | "empty";
  /** Who chose the path is the caller's to say. */
  readonly originKind: "seed_path" | "none";
  /** The path without symbolic links; null for an empty seed. */
  readonly originRef: string | null;
}

export interface SeedTask extends Task {
  /** Where the path may lead. */
  readonly allowedRoots?: AllowedRoots;
  /** The argument that named it. */
  readonly field?: string;
  /** Folders of the host, besides what the path leads to, that content in there may lead to; none when absent. */
  readonly allowHostPaths?: readonly string[];
  /** Paths below the folder that enter though they do not belong to it; none when absent. */
  readonly include?: readonly string[];
}

export interface SeedCache {
  /** A checkout by git's rules, any other folder whole. */
  seedFromDirectory(path: string, task: SeedTask): Promise<Seed>;
  /** A tar archive, plain or packed by gzip or zstd; a hostile one is `invalid_argument` with the entry's name. */
  seedFromArchive(path: string, task: SeedTask): Promise<Seed>;
  /** One of the two above, by what is at `path`. */
  seedFromPath(path: string, task: SeedTask): Promise<Seed>;
  emptySeed(task: Task): Promise<Seed>;
  /** Removes the seeds whose digests are not in `keep` and that nobody asked for in the last hour. */
  prune(keep: ReadonlySet<string>, signal: AbortSignal): Promise<PruneResult>;
}

export interface SeedCacheOptions {
  /** `<cache>/seeds`; made when missing. */
  readonly root: string;
  readonly clock: () => Date;
  /** Milliseconds for listing and reading one seed. */
  readonly timeoutMs?: number;
  /** @internal For tests: told before each step. */
  readonly atStep?: (step: SeedStep) => void;
}

/** What a seed does with the host's files, in this order. */
export type SeedStep = "open" | "list" | "read";

interface Cache {
  readonly folders: SeedFolders;
  readonly clock: () => Date;
  readonly timeoutMs: number;
  readonly atStep: (step: SeedStep) => void;
}

/** A seed that was asked for but is perhaps not used yet stays this long. */
const pruneAfterMs = 3_600_000;

/** Milliseconds for listing and reading one seed: 20 GiB from a slow disk. */
export const seedTimeoutMs = 30 * 60_000;

export function openSeedCache(options: SeedCacheOptions): SeedCache {
  const { root, clock, timeoutMs = seedTimeoutMs, atStep = () => undefined } = options;
  const step = (name: SeedStep) => {
    stageDone("seed", name, "seed");
    atStep(name);
  };
  const cache: Cache = { folders: seedFolders(root), clock, timeoutMs, atStep: step };
  const kinds = { file: archiveSeed, directory: directorySeed } as const;
  const from = async (path: string, task: SeedTask, only?: keyof typeof kinds) => {
    await makeFolders(cache.folders);
    step("open");
    const judge = { roots: task.allowedRoots, field: task.field ?? "seed_path" };
    await using opened = await openSource(path, judge, "invalid_argument");
    const kind = opened.kind === "directory" ? "directory" : "file";
    if (only !== undefined && only !== kind) throw noSeed(path);
    const limit = { ms: timeoutMs, what: `Reading ${path}`, hint: "Name a smaller folder, or one on a faster disk." };
    return await withinTime(task.signal, limit, async (signal) =>
      kinds[kind](cache, { opened, path }, { ...task, signal }),
    );
  };
  return {
    seedFromDirectory: async (path, task) => from(path, task, "directory"),
    seedFromArchive: async (path, task) => from(path, task, "file"),
    seedFromPath: from,
    emptySeed: async (task) => emptySeed(cache, task),
    async prune(keep, signal) {
      await makeFolders(cache.folders);
      return pruneSeeds(cache.folders, { keep, signal, before: new Date(clock().getTime() - pruneAfterMs) });
    },
  };
}

interface Source {
  readonly opened: OpenedPath;
  /** As the caller named it. */
  readonly path: string;
}

async function directorySeed(cache: Cache, { opened, path }: Source, task: SeedTask): Promise<Seed> {
  const { folders, clock, atStep } = cache;
  const { signal, progress, allowedRoots, allowHostPaths = [], include = [], field = "seed_path" } = task;
  const listTask = {
    allowedRoots,
    field,
    include,
    scratch: folders.tmp,
    signal,
    allowHostPaths: [...(allowedRoots ?? []), ...allowHostPaths],
  };
  let mode: Seed["mode"] = "directory";
  const seed = await settled(path, async () => {
    progress({ phase: "seed", message: "Looking through your files" });
    atStep("list");
    const listedAt = clock().getTime() / 1000;
    await using listing = await listDirectory(opened, listTask);
    const { items, skipped, root, repository } = listing;
    mode = listing.mode;
    const source = {
      items,
      skipped,
      ...keyOf({ items, skipped, origin: `${mode} ${root}` }, listedAt),
      head: async () => (repository === undefined ? noHead : headOf(repository)),
      async read(sink: Parameters<typeof readItems>[0]) {
        atStep("read");
        return readItems(sink, { items, signal, progress });
      },
    };
    return await seedOf(folders, source, signal);
  });
  return { mode, originKind: "seed_path", originRef: opened.path, ...seed };
}

async function archiveSeed({ folders, clock, atStep }: Cache, { opened, path }: Source, task: SeedTask): Promise<Seed> {
  if (!archiveName.test(path)) throw noSeed(path);
  if ((task.include ?? []).length > 0) throw includesNothing("an archive");
  const { path: file } = opened;
  // Its content is compared by its name there, where it was written so lately that its times do not tell.
  await using root = await openWithin(dirname(file), { roots: undefined, field: "" });
  const seed = await settled(path, async () => {
    atStep("list");
    const listedAt = clock().getTime() / 1000;
    const name = Buffer.from(basename(file)).toString("latin1");
    const found = await foundFile(opened, name);
    const { identity, changed } = found;
    const source = { kind: "copied", root, found, path: name } as const;
    const items: Item[] = [{ kind: "made", path: name, identity, changed, source, content: undefined }];
    return await seedOf(
      folders,
      {
        items,
        skipped: [],
        ...keyOf({ items, skipped: [], origin: `archive ${file}` }, listedAt),
        head: async () => Promise.resolve(noHead),
        async read(sink: Parameters<typeof readItems>[0]) {
          atStep("read");
          const skipped = await readArchive(sink, { file: opened, task });
          return { skipped, torn: [], inconsistent: false };
        },
      },
      task.signal,
    );
  });
  return { ...seed, mode: "archive", originKind: "seed_path", originRef: file };
}

async function foundFile({ handle }: OpenedPath, path: string): Promise<FoundPath> {
  const { mode, size, mtimeNs, ctimeNs, ino } = await handle.stat({ bigint: true });
  const bits = (mode & 0o7777n).toString(8);
  const changed = Number(mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1e9;
  const identity = `f ${bits} ${size} ${mtimeNs} ${ctimeNs} ${ino}`;
  return { path, type: "f", size: Number(size), identity, mode: bits, changed, closed: undefined };
}

/** Of what a seed has no ignored files. */
export function includesNothing(of: string): PyroError {
  return new PyroError("invalid_argument", `include needs a folder to start from; of ${of} nothing is left out.`, {
    hint: "Start from a folder, or include nothing.",
  });
}

function noSeed(path: string): PyroError {
  return new PyroError(
    "invalid_argument",
    `The seed ${path} is no folder and no .tar, .tar.gz, .tgz or .tar.zst file.`,
    { hint: "Name a folder, or an archive of one of these kinds." },
  );
}

async function emptySeed({ folders }: Cache, task: Task): Promise<Seed> {
  await makeFolders(folders);
  const source = {
    items: [],
    skipped: [],
    ...keyOf({ items: [], skipped: [], origin: "empty" }, 0),
    head: async () => Promise.resolve(noHead),
    read: async () => Promise.resolve({ skipped: [], torn: [], inconsistent: false }),
  };
  const seed = await settled("An empty seed", async () => seedOf(folders, source, task.signal));
  return { ...seed, mode: "empty", originKind: "none", originRef: null };
}
