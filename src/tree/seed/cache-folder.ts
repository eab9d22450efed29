// Owns where finished seeds lie, that each is whole or absent, and which go. Never makes one.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { crashPoint } from "../../base/crash-point.js";
import { syncFolder, writeJsonAtomic } from "../../base/atomic-file.js";
import { hasErrno } from "../../base/error.js";
import { lockFile, tryLockFile } from "../../base/lock.js";
import { readRecordFile, replaceRecordFile } from "../../base/record-file.js";
import { refuseNewer, type RecordKind } from "../../base/stored-record.js";
import { scratchPrefix } from "../git/scratch.js";
import type { Skipped } from "./listing.js";
import { imageName, manifestName, type FinishedImage } from "./seed-image.js";
import type { ByteString } from "../tar/entry.js";

export interface SeedFolders {
  readonly root: string;
  /** `<digest>/`: image, manifest and seed.json of a seed; appears at once, by a rename. */
  readonly trees: string;
  /** `<key>.json`: which seed a host tree gave. */
  readonly keys: string;
  /** `<slot>/`: what the holder of that slot's lock is making. */
  readonly tmp: string;
  /** `<slot>.lock` */
  readonly locks: string;
}

/** A finished seed. */
export interface StoredSeed extends FinishedImage {
  readonly imagePath: string;
  readonly imageBytes: number;
  readonly manifestPath: string;
}

const digest = z.string().regex(/^[0-9a-f]{64}$/u);

const treeSchema = z.strictObject({
  format: z.literal(1),
  digest,
  image_bytes: z.int().positive(),
  file_count: z.int(),
  byte_count: z.int(),
});

const keySchema = z.strictObject({
  format: z.literal(1),
  digest,
  commit: z.string().nullable(),
  branch: z.string().nullable(),
  skipped: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
  /** What may have been written again without a trace: paths of the seed, a byte in each character, and content. */
  racy: z.array(z.strictObject({ path: z.string(), sha256: digest })),
});

export const seedRecordKind = {
  what: "seed",
  schema: treeSchema,
  upgrades: [],
} satisfies RecordKind<typeof treeSchema>;

export const seedKeyRecordKind = {
  what: "seed's origin",
  schema: keySchema,
  upgrades: [],
} satisfies RecordKind<typeof keySchema>;

export interface RacyContent {
  readonly path: ByteString;
  readonly sha256: string;
}

/** What is known about a host tree that became a seed. */
export interface KeyRecord {
  readonly digest: string;
  readonly commit: string | null;
  readonly branch: string | null;
  readonly skipped: readonly Skipped[];
  readonly racy: readonly RacyContent[];
}

export function seedFolders(root: string): SeedFolders {
  const under = (name: string) => join(root, name);
  return { root, trees: under("trees"), keys: under("keys"), tmp: under("tmp"), locks: under("locks") };
}

export async function makeFolders({ trees, keys, tmp, locks }: SeedFolders): Promise<void> {
  for (const folder of [trees, keys, tmp, locks]) await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** An empty folder for making the seed of `key`, which goes with everything in it when it is disposed of. */
export async function takeSlot(
  folders: SeedFolders,
  key: string,
  signal: AbortSignal,
): Promise<AsyncDisposable & { readonly folder: string }> {
  // 256 slots: two trees seldom wait for each other, and lock files do not pile up.
  const slot = key.slice(0, 2);
  const lock = await lockFile(join(folders.locks, `${slot}.lock`), signal);
  const folder = join(folders.tmp, slot);
  const dispose = async () => {
    await rm(folder, { recursive: true, force: true });
    await lock[Symbol.asyncDispose]();
  };
  try {
    // What lies there is of a process that died.
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700 });
    crashPoint("seed slot made");
  } catch (error) {
    await dispose();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: dispose };
}

/** Moves a finished image from its slot to its place; one of the same digest that is already there stays. */
export async function storeTree(folders: SeedFolders, slot: string, image: FinishedImage): Promise<StoredSeed> {
  const { size } = await stat(join(slot, imageName));
  const { digest, fileCount, byteCount } = image;
  const record = { format: 1 as const, digest, image_bytes: size, file_count: fileCount, byte_count: byteCount };
  await writeJsonAtomic(join(slot, recordName), record satisfies z.infer<typeof treeSchema>);
  await chmod(join(slot, imageName), 0o444);
  crashPoint("seed recorded");
  const present = await findTree(folders, digest);
  if (present !== undefined) return present;
  const place = join(folders.trees, digest);
  for (;;) {
    try {
      await rename(slot, place);
      break;
    } catch (error) {
      if (!hasErrno(error, "ENOTEMPTY") && !hasErrno(error, "EEXIST")) throw error;
      const madeMeanwhile = await findTree(folders, digest);
      if (madeMeanwhile !== undefined) return madeMeanwhile;
      await refuseNewerTree(folders, digest);
      await discard(folders, place);
    }
  }
  await syncFolder(folders.trees);
  crashPoint("seed placed");
  return storedSeed(place, { digest, imageBytes: size, fileCount, byteCount });
}

async function refuseNewerTree(folders: SeedFolders, digest: string): Promise<void> {
  const found = await readRecordFile(seedRecordKind, join(folders.trees, digest, recordName));
  if (found.kind === "newer") throw refuseNewer(`The cached seed ${digest.slice(0, 12)}`, found);
}

/** The seed of this digest, if it is whole; being asked for keeps it from being pruned for an hour. */
export async function findTree(folders: SeedFolders, digest: string): Promise<StoredSeed | undefined> {
  const place = join(folders.trees, digest);
  try {
    const found = await readRecordFile(seedRecordKind, join(place, recordName));
    if (found.kind !== "readable" || found.value.digest !== digest) return undefined;
    const now = new Date();
    // Before the image is looked at: see prune.
    await utimes(join(place, recordName), now, now);
    const [image] = await Promise.all([stat(join(place, imageName)), stat(join(place, manifestName))]);
    const { image_bytes: imageBytes, file_count: fileCount, byte_count: byteCount } = found.value;
    if (image.size !== imageBytes) return undefined;
    return storedSeed(place, { digest, imageBytes, fileCount, byteCount });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

export async function readKey(folders: SeedFolders, key: string): Promise<KeyRecord | undefined> {
  const found = await readRecordFile(seedKeyRecordKind, join(folders.keys, `${key}.json`));
  if (found.kind !== "readable") return undefined;
  const { format: _, ...record } = found.value;
  return record;
}

export async function writeKey(folders: SeedFolders, key: string, record: KeyRecord): Promise<void> {
  const { skipped, racy, ...rest } = record;
  const written: z.infer<typeof keySchema> = { format: 1, ...rest, skipped: [...skipped], racy: [...racy] };
  // Without it the tree is only listed again the next time.
  await replaceRecordFile(seedKeyRecordKind, join(folders.keys, `${key}.json`), written);
}

export interface PruneResult {
  /** Digests. */
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/** Removes seeds that are not in `keep` and were last asked for before `before`, and what died in the making. */
export async function pruneSeeds(
  folders: SeedFolders,
  { keep, before, signal }: { readonly keep: ReadonlySet<string>; readonly before: Date; readonly signal: AbortSignal },
): Promise<PruneResult> {
  const removed: string[] = [];
  let freedBytes = 0;
  const isOld = async (path: string) => {
    const found = await stat(path).catch(() => undefined);
    return found === undefined || found.mtimeMs < before.getTime();
  };
  for (const name of await readdir(folders.trees)) {
    signal.throwIfAborted();
    const place = join(folders.trees, name);
    if (keep.has(name) || !(await isOld(join(place, recordName)))) continue;
    if ((await readRecordFile(seedRecordKind, join(place, recordName))).kind === "newer") continue;
    const gone = join(folders.tmp, `gone-${randomBytes(6).toString("hex")}`);
    await rename(place, gone);
    // Whoever found it in between has touched it before it was gone.
    const wanted = !(await isOld(join(gone, recordName)));
    if (
      wanted &&
      (await rename(gone, place).then(
        () => true,
        () => false,
      ))
    )
      continue;
    freedBytes += (await stat(join(gone, imageName)).catch(() => ({ size: 0 }))).size;
    await rm(gone, { recursive: true, force: true });
    removed.push(name);
  }
  await pruneKeys(folders, isOld);
  await pruneTemporary(folders, isOld, signal);
  return { removed, freedBytes };
}

const recordName = "seed.json";

function storedSeed(place: string, facts: FinishedImage & { readonly imageBytes: number }): StoredSeed {
  return { ...facts, imagePath: join(place, imageName), manifestPath: join(place, manifestName) };
}

async function discard(folders: SeedFolders, place: string): Promise<void> {
  const gone = join(folders.tmp, `gone-${randomBytes(6).toString("hex")}`);
  await rename(place, gone).catch(() => undefined);
  await rm(gone, { recursive: true, force: true });
}

async function pruneKeys(folders: SeedFolders, isOld: (path: string) => Promise<boolean>): Promise<void> {
  const trees = new Set(await readdir(folders.trees));
  for (const name of await readdir(folders.keys)) {
    const path = join(folders.keys, name);
    const found = await readRecordFile(seedKeyRecordKind, path);
    if (found.kind === "newer" || (found.kind === "readable" && trees.has(found.value.digest))) continue;
    if (await isOld(path)) await rm(path, { force: true });
  }
}

async function pruneTemporary(
  folders: SeedFolders,
  isOld: (path: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  for (const name of await readdir(folders.tmp)) {
    const path = join(folders.tmp, name);
    // Nobody locks what stands for a repository while it is listed, which takes minutes at the most.
    if (name.startsWith(scratchPrefix)) {
      if (await isOld(path)) await rm(path, { recursive: true, force: true });
      continue;
    }
    if (name.startsWith("gone-")) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    await using lock = await tryLockFile(join(folders.locks, `${name}.lock`), signal);
    if (lock !== undefined) await rm(path, { recursive: true, force: true });
  }
}
