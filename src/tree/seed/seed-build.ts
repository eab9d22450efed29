// Owns finding the seed of a listed host tree, or making it once. Never lists.
import { PyroError } from "../../base/error.js";
import { contentDigests, sourcesAt, type KeyedTree } from "./cache-key.js";
import {
  findTree,
  readKey,
  storeTree,
  takeSlot,
  writeKey,
  type RacyContent,
  type SeedFolders,
  type StoredSeed,
} from "./cache-folder.js";
import type { EntrySink } from "../tar/sink.js";
import type { GitHead } from "../git/head.js";
import { PointerFinder } from "./lfs-pointers.js";
import type { CopiedItem, Item, Skipped } from "./listing.js";
import type { ReadResult } from "./read-items.js";
import { SeedImage } from "./seed-image.js";

/** A host tree, and how its content is read when there is no seed of it. */
export interface SeedSource extends KeyedTree {
  readonly items: readonly Item[];
  readonly skipped: readonly Skipped[];
  head(signal: AbortSignal): Promise<GitHead>;
  read(sink: EntrySink): Promise<ReadResult>;
}

export interface FoundSeed extends StoredSeed, GitHead {
  readonly skipped: readonly Skipped[];
  readonly cached: boolean;
}

/** Above this, making the image anew is faster than comparing the content of what was just written. */
const maxRacyItems = 512;

/** The seed of `source`, from the cache or made; a source that changed under the reader is told by `onTorn`'s error. */
export async function seedOf(
  folders: SeedFolders,
  source: SeedSource,
  signal: AbortSignal,
): Promise<FoundSeed | TornSource> {
  const known = await knownSeed(folders, source, signal);
  if (known !== undefined) return known;
  await using slot = await takeSlot(folders, source.key, signal);
  return (await knownSeed(folders, source, signal)) ?? (await makeSeed(folders, { source, slot: slot.folder }, signal));
}

/** What was read does not belong together: list and read again. */
export interface TornSource {
  readonly torn: string;
}

async function knownSeed(
  folders: SeedFolders,
  source: SeedSource,
  signal: AbortSignal,
): Promise<FoundSeed | undefined> {
  const record = await readKey(folders, source.key);
  if (record === undefined || !(await isUnchanged(source, record.racy, signal))) return undefined;
  const stored = await findTree(folders, record.digest);
  if (stored === undefined) return undefined;
  const stillRacy = new Set(source.racy.map(({ path }) => path));
  const racy = record.racy.filter(({ path }) => stillRacy.has(path));
  if (racy.length < record.racy.length) await writeKey(folders, source.key, { ...record, racy });
  const { commit, branch, skipped } = record;
  return { ...stored, commit, branch, skipped, cached: true };
}

async function isUnchanged({ items }: SeedSource, racy: readonly RacyContent[], signal: AbortSignal): Promise<boolean> {
  const sources = sourcesAt(
    items,
    racy.map(({ path }) => path),
  );
  if (sources === undefined) return false;
  const digests = await contentDigests(sources, signal);
  return digests.every((digest, index) => digest !== undefined && digest === racy[index]?.sha256);
}

interface Making {
  readonly source: SeedSource;
  readonly slot: string;
}

async function makeSeed(
  folders: SeedFolders,
  { source, slot }: Making,
  signal: AbortSignal,
): Promise<FoundSeed | TornSource> {
  const { key, racy, items } = source;
  const head = await source.head(signal);
  // Of files that are changed on their way in; whoever writes one after this is seen at the next lookup.
  const made = new Set(items.flatMap((item) => (item.kind === "made" ? [item.path] : [])));
  const originals = await digestsOf(
    racy.filter(({ path }) => made.has(path)),
    signal,
  );
  const image = await SeedImage.start(slot);
  const kill = () => void image.abort();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const pointers = new PointerFinder(image);
    const result = await source.read(pointers);
    if (result.inconsistent) {
      await image.abort();
      return { torn: result.torn[0] ?? result.skipped[0]?.path ?? "a file" };
    }
    const finished = await image.finish();
    const racyContent = racy.map(({ path }) => ({ path, sha256: originals.get(path) ?? image.sha256Of(path) ?? "" }));
    const stored = await storeTree(folders, slot, finished);
    const skipped = [...source.skipped, ...result.skipped, ...pointers.notices()];
    const record = { digest: stored.digest, ...head, skipped, racy: racyContent };
    if (racy.length <= maxRacyItems && racyContent.every(({ sha256 }) => sha256 !== "")) {
      await writeKey(folders, key, record);
    }
    return { ...stored, ...head, skipped, cached: false };
  } catch (error) {
    await image.abort();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

async function digestsOf(items: readonly CopiedItem[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const digests = await contentDigests(items, signal);
  return new Map(items.map(({ path }, index) => [path, digests[index] ?? ""]));
}

/** Stops after a few tries: something writes there all the time. */
export async function settled(path: string, attempt: () => Promise<FoundSeed | TornSource>): Promise<FoundSeed> {
  const maxAttempts = 3;
  for (let tried = 1; ; tried++) {
    const result = await attempt();
    if (!("torn" in result)) return result;
    if (tried < maxAttempts) continue;
    throw new PyroError("unavailable", `${path} keeps changing while it is read: ${result.torn}.`, {
      hint: "Wait until what writes there is done, for example a git gc or a build, then call again.",
    });
  }
}
