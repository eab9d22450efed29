// Owns which paths differ from the seed and how, as git would say it. Never makes a patch.
import { guestFault } from "../../base/guest-fault.js";
import { inTurns } from "../../base/in-turns.js";
import { type BytePath, foldersAbove, pathBytes } from "../byte-path.js";
import { isGone, newChunks, sha256Of, upcomingNew } from "./content.js";
import { type Change, type Comparison, isExecutable, targetOf } from "./change.js";
import { type FindIgnored, ignoredBy } from "./ignored.js";
import { type Upcoming, readingAhead } from "./read-ahead.js";
import { pairRenames } from "./renames.js";
import { type Item, type TouchedTrees, touchedTrees } from "./touched-trees.js";

export interface FoundChanges {
  /** Ordered by the bytes of their paths. */
  readonly changes: readonly Change[];
  /** Files left out, by the highest ignored folder that they are in, or by themselves. */
  readonly ignored: ReadonlyMap<BytePath, Ignored>;
  /** New `.git` below a folder, which nothing is said of besides; `.git` of the workspace itself is the user's own. */
  readonly gitFolders: readonly BytePath[];
}

export interface Ignored {
  readonly isFolder: boolean;
  readonly fileCount: number;
}

/** What leaves nothing out, though git would. */
export type ShowIgnored = (path: BytePath) => boolean;

/** Every change. Work is proportional to what was touched. */
export async function findChanges(comparison: Comparison, showIgnored: ShowIgnored): Promise<FoundChanges> {
  const { source, seed, signal } = comparison;
  const trees = await touchedTrees(source, seed, signal);
  const find = ignoredBy(comparison, trees);
  const { pairs, ignored } = await withoutIgnored({ find, pairs: pairsOf(trees) }, showIgnored, signal);
  const changes: Change[] = [];
  for await (const pair of readingAhead(pairs, { source, upcoming: upcomingOf, signal })) {
    signal.throwIfAborted();
    const { path, old, now } = pair;
    const after = pair.after?.unseen === true ? await statUnseen(comparison, path, pair.after) : pair.after;
    const folderStays = old?.kind === "directory" && now?.kind === "directory";
    if (folderStays || (pair.before === undefined && after === undefined)) continue;
    const change = await compare(comparison, { ...pair, after });
    if (change !== undefined) changes.push(change);
  }
  const gitFolders = await newGitFolders(trees, seed, find);
  return { changes: await pairRenames(changes, comparison), ignored, gitFolders };
}

interface Pair {
  readonly path: BytePath;
  /** Without folders that hold something. */
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  readonly old: Item | undefined;
  readonly now: Item | undefined;
}

/** A folder counts only where it is empty: otherwise its files say all there is to say. */
function pairsOf({ old, now }: TouchedTrees): Pair[] {
  const fullBefore = foldersWithContent(old);
  const fullNow = foldersWithContent(now);
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.map((path) => ({
    path,
    old: old.get(path),
    now: now.get(path),
    before: leaf(old.get(path), fullBefore.has(path)),
    after: leaf(now.get(path), fullNow.has(path)),
  }));
}

async function newGitFolders(
  { gitFolders }: TouchedTrees,
  seed: Comparison["seed"],
  find: FindIgnored,
): Promise<readonly BytePath[]> {
  const found: BytePath[] = [];
  for (const [path, item] of gitFolders) {
    if ((await seed.lookup(pathBytes(path))) === undefined && (await find(path, item)) === undefined) found.push(path);
  }
  return found;
}

async function withoutIgnored(
  { find, pairs }: { readonly find: FindIgnored; readonly pairs: readonly Pair[] },
  showIgnored: ShowIgnored,
  signal: AbortSignal,
): Promise<Pick<FoundChanges, "ignored"> & { readonly pairs: readonly Pair[] }> {
  const ignored = new Map<BytePath, Ignored>();
  const kept: Pair[] = [];
  for await (const pair of inTurns(pairs, signal)) {
    const { path, old, after } = pair;
    // Only what is new: whatever the seed has is looked after, as git does with what it tracks.
    const highest = old === undefined && after !== undefined ? await find(path, after) : undefined;
    if (highest === undefined || showIgnored(highest)) {
      kept.push(pair);
      continue;
    }
    const { fileCount } = ignored.get(highest) ?? { fileCount: 0 };
    const isFolder = highest !== path || after?.kind === "directory";
    ignored.set(highest, { isFolder, fileCount: fileCount + (after?.kind === "directory" ? 0 : 1) });
  }
  return { pairs: kept, ignored };
}

function foldersWithContent(tree: Map<BytePath, Item>): Set<BytePath> {
  const found = new Set<BytePath>();
  for (const path of tree.keys()) {
    for (const folder of foldersAbove(path)) {
      if (found.has(folder)) break;
      found.add(folder);
    }
  }
  return found;
}

function leaf(item: Item | undefined, hasContent: boolean): Item | undefined {
  return item?.kind === "directory" && hasContent ? undefined : item;
}

/** Another name of a file that was touched under one: mode and size are what the guest says now. */
async function statUnseen({ source, signal }: Comparison, path: BytePath, item: Item): Promise<Item | undefined> {
  try {
    const { mode, size } = await source.statNew(pathBytes(path), signal);
    if (!Number.isSafeInteger(size) || size < 0) throw guestFault("The guest gave an impossible size.");
    return { ...item, mode, size, sha256: undefined };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function compare(comparison: Comparison, pair: Pair): Promise<Change | undefined> {
  const { path, before, after } = pair;
  // A folder with content on one side and something else on the other is a change of type, too.
  if (pair.old !== undefined && pair.now !== undefined && pair.old.kind !== pair.now.kind) {
    const isHollow = after?.kind === "directory";
    return { path, status: "type_changed", old: pair.old, now: after ?? pair.now, ...(isHollow ? { isHollow } : {}) };
  }
  if (before === undefined) return after === undefined ? undefined : { path, status: "added", now: after };
  if (after === undefined) return { path, status: "deleted", old: before };
  const same = await isSame(comparison, path, { before, after });
  return same ? undefined : { path, status: "modified", old: before, now: after };
}

/** What `isSame` will read. */
function upcomingOf({ path, before, after }: Pair): readonly Upcoming[] {
  if (before?.kind !== "file" || after?.kind !== "file" || before.size !== after.size) return [];
  const isKnown = after.sha256 !== undefined || after.unseen === true || isExecutable(before) !== isExecutable(after);
  return isKnown ? [] : upcomingNew(path, after);
}

async function isSame(
  comparison: Comparison,
  path: BytePath,
  { before, after }: { before: Item; after: Item },
): Promise<boolean> {
  if (before.kind === "symlink") return Buffer.compare(targetOf(before), targetOf(after)) === 0;
  if (before.kind !== "file") return true;
  if (isExecutable(before) !== isExecutable(after) || before.size !== after.size) return false;
  if (before.size === 0) return true;
  const sha256 = after.sha256 ?? (await digest(comparison, path, after));
  return sha256 === undefined || sha256 === before.sha256;
}

/** Undefined when the file went away meanwhile. */
async function digest(comparison: Comparison, path: BytePath, item: Item): Promise<string | undefined> {
  try {
    return (await sha256Of(newChunks(comparison.source, { path, item }, comparison.signal))).sha256;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
