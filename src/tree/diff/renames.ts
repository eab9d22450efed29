// Owns pairing what was deleted with what was added and is equal to it. Never guesses similarity: a rename is exact.
import { type BytePath, baseName } from "../byte-path.js";
import { type Change, type Comparison, targetOf } from "./change.js";
import { isGone, newChunks, sha256Of, upcomingNew } from "./content.js";
import { type Upcoming, readingAhead } from "./read-ahead.js";
import type { Item } from "./touched-trees.js";

type Deleted = Change & { readonly old: Item };
type Added = Change & { readonly now: Item };

interface Candidates {
  readonly comparison: Comparison;
  readonly sizes: Set<string>;
  /** By content, and by content and base name; the first in order stands last. */
  readonly byKey: Map<string, Deleted[]>;
  readonly taken: Set<BytePath>;
}

/** The same changes, where each pair of equal deleted and added files is one rename. Reads only files of a deleted file's size. */
export async function pairRenames(changes: readonly Change[], comparison: Comparison): Promise<readonly Change[]> {
  const candidates: Candidates = { comparison, sizes: new Set(), byKey: new Map(), taken: new Set() };
  for (const change of changes.toReversed()) addCandidate(change, candidates);
  if (candidates.byKey.size === 0) return changes;
  const result: Change[] = [];
  const reading = {
    source: comparison.source,
    upcoming: (change: Change) => (isCandidate(change, candidates) ? upcomingContent(change) : []),
    signal: comparison.signal,
  };
  for await (const change of readingAhead(changes, reading)) {
    const from = await originOf(change, candidates);
    if (from === undefined) result.push(change);
    else result.push({ ...change, status: "renamed", oldPath: from.path, old: from.old });
    if (from !== undefined) candidates.taken.add(from.path);
  }
  return result.filter((change) => change.status !== "deleted" || !candidates.taken.has(change.path));
}

function addCandidate(change: Change, { sizes, byKey }: Candidates): void {
  const { old, path, status } = change;
  if (status !== "deleted" || !isPairable(old)) return;
  sizes.add(sizeKey(old));
  const content = contentKey(old, old.sha256);
  for (const key of [content, namedKey(content, path)]) {
    const list = byKey.get(key) ?? [];
    list.push({ ...change, old });
    byKey.set(key, list);
  }
}

/** True where a deleted file could be this added one. */
function isCandidate(change: Change, { sizes }: Candidates): change is Added {
  return change.status === "added" && isPairable(change.now) && sizes.has(sizeKey(change.now));
}

/** The seed's own files need not be read: their digest is known. */
function upcomingContent({ path, now }: Added): readonly Upcoming[] {
  return now.sha256 === undefined ? upcomingNew(path, now) : [];
}

async function originOf(change: Change, candidates: Candidates): Promise<Deleted | undefined> {
  if (!isCandidate(change, candidates)) return undefined;
  const { now, path } = change;
  const sha256 = now.kind === "symlink" ? undefined : (now.sha256 ?? (await digest(path, now, candidates)));
  const content = contentKey(now, sha256);
  return takeFree(candidates, namedKey(content, path)) ?? takeFree(candidates, content);
}

function takeFree({ byKey, taken }: Candidates, key: string): Deleted | undefined {
  const list = byKey.get(key) ?? [];
  for (let from = list.pop(); from !== undefined; from = list.pop()) if (!taken.has(from.path)) return from;
  return undefined;
}

async function digest(path: BytePath, item: Item, { comparison }: Candidates): Promise<string> {
  try {
    return (await sha256Of(newChunks(comparison.source, { path, item }, comparison.signal))).sha256;
  } catch (error) {
    if (isGone(error)) return "gone";
    throw error;
  }
}

function isPairable(item: Item | undefined): item is Item {
  return item?.kind === "file" || item?.kind === "symlink";
}

function sizeKey(item: Item): string {
  return item.kind === "symlink" ? "symlink" : `file:${item.size}`;
}

function contentKey(item: Item, sha256: string | undefined): string {
  if (item.kind === "symlink") return `symlink:${Buffer.from(targetOf(item)).toString("latin1")}`;
  return `file:${item.size}:${sha256 ?? ""}`;
}

function namedKey(content: string, path: BytePath): string {
  return `${content}\0${baseName(path)}`;
}
