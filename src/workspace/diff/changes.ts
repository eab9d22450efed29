// Owns which paths differ from the seed and how, as git would say it. Never makes a patch.
import { PyroError } from "../../base/error.js";
import { type BytePath, foldersAbove, pathBytes } from "./byte-path.js";
import { isGone, newChunks, sha256Of } from "./content.js";
import { type Change, type Comparison, isExecutable, targetOf } from "./change.js";
import { pairRenames } from "./renames.js";
import { type Item, touchedTrees } from "./touched-trees.js";

/** Every change, ordered by the bytes of its path. Work is proportional to what was touched. */
export async function findChanges(comparison: Comparison): Promise<Change[]> {
  const { source, seed, signal } = comparison;
  const { old, now } = await touchedTrees(source, seed, signal);
  const fullBefore = foldersWithContent(old);
  const fullNow = foldersWithContent(now);
  const changes: Change[] = [];
  const paths = new Set([...old.keys(), ...now.keys()]);
  for (const path of [...paths].sort()) {
    signal.throwIfAborted();
    // A folder counts only where it is empty: otherwise its files say all there is to say.
    const before = leaf(old.get(path), fullBefore.has(path));
    const after = leaf(now.get(path), fullNow.has(path));
    const seen = after?.unseen === true ? await statUnseen(comparison, path, after) : after;
    const folderStays = old.get(path)?.kind === "directory" && now.get(path)?.kind === "directory";
    if (folderStays || (before === undefined && seen === undefined)) continue;
    const change = await compare(comparison, path, { before, after: seen, now: now.get(path), old: old.get(path) });
    if (change !== undefined) changes.push(change);
  }
  return pairRenames(changes, comparison);
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
    if (!Number.isSafeInteger(size) || size < 0) throw new PyroError("internal", "The guest gave an impossible size.");
    return { ...item, mode, size, sha256: undefined };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

interface Pair {
  /** Without folders that hold something. */
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  readonly old: Item | undefined;
  readonly now: Item | undefined;
}

async function compare(comparison: Comparison, path: BytePath, pair: Pair): Promise<Change | undefined> {
  const { before, after } = pair;
  // A folder with content on one side and something else on the other is a change of type, too.
  if (pair.old !== undefined && pair.now !== undefined && pair.old.kind !== pair.now.kind) {
    return { path, status: "type_changed", old: pair.old, now: after ?? pair.now };
  }
  if (before === undefined) return after === undefined ? undefined : { path, status: "added", now: after };
  if (after === undefined) return { path, status: "deleted", old: before };
  const same = await isSame(comparison, path, { before, after });
  return same ? undefined : { path, status: "modified", old: before, now: after };
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
