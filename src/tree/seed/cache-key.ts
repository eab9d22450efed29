// Owns telling whether a host tree is the one that a seed was made of, from its metadata. Reads content only where that does not tell.
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { walkBelow } from "./host-walk.js";
import { byFolder, type CopiedItem, type Item, type Skipped } from "./listing.js";
import type { ByteString } from "../tar/entry.js";

/** Counts up whenever the same tree would give another image. */
const keyFormat = 3;

/** Seconds within which two writes of a file may bear the same time. */
const racySeconds = 2;

export interface KeyedTree {
  /** 64 hex digits. */
  readonly key: string;
  /** What was written so shortly before it was listed that a later write may not show in its metadata. */
  readonly racy: readonly CopiedItem[];
}

export interface HostTree {
  readonly items: readonly Item[];
  readonly skipped: readonly Skipped[];
  /** Kind and path of what was listed. */
  readonly origin: string;
}

/** `listedAt`: seconds since 1970, from before the list was made. */
export function keyOf({ items, skipped, origin }: HostTree, listedAt: number): KeyedTree {
  const lines = items.map((item) => `${item.path}\0${item.kind === "copied" ? item.found.identity : item.identity}\0`);
  const missing = skipped.map(({ path, reason }) => `${path}\0${reason}\0`);
  const digest = createHash("sha256").update(`${keyFormat}\0${origin}\0${missing.length}\0`);
  digest.update(missing.join("")).update(lines.join(""), "latin1");
  const racy = items.flatMap((item) => {
    const source = item.kind === "copied" ? item : item.source;
    const isOld = source === undefined || source.found.type === "d" || source.found.changed < listedAt - racySeconds;
    return isOld ? [] : [source];
  });
  return { key: digest.digest("hex"), racy };
}

/** sha256 of each file's content or link's target, in the items' order; undefined for what cannot be read. */
export async function contentDigests(
  items: readonly CopiedItem[],
  signal: AbortSignal,
): Promise<readonly (string | undefined)[]> {
  const digests = new Map<CopiedItem, string>();
  for (const [folder, own] of byFolder(items)) {
    const input = own.map(({ found }) => `${found.type}${found.path}\0`).join("");
    await walkBelow({ folder, mode: "digest", input, signal }, async (stdout) => {
      const answers = (await text(stdout)).split("\0");
      for (const [index, item] of own.entries()) {
        const answer = answers[index] ?? "-";
        if (answer !== "-") digests.set(item, answer);
      }
    });
  }
  return items.map((item) => digests.get(item));
}

/** The host's files behind these paths of the seed; undefined when one is missing. */
export function sourcesAt(items: readonly Item[], paths: readonly ByteString[]): readonly CopiedItem[] | undefined {
  const wanted = new Set(paths);
  const sources = new Map<ByteString, CopiedItem>();
  for (const item of items) {
    if (!wanted.has(item.path)) continue;
    const source = item.kind === "copied" ? item : item.source;
    if (source !== undefined) sources.set(item.path, source);
  }
  const found = paths.flatMap((path) => sources.get(path) ?? []);
  return found.length === paths.length ? found : undefined;
}
