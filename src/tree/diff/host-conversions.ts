// Owns how git on the host converts the files of a patch: as the seed tells it, or the checkout that the seed is a folder of. Never runs git.
import { type BytePath, joinPath, pathBytes, rootPath, trustedPath } from "../byte-path.js";
import {
  type Conversions,
  type PatchedCheckout,
  type TouchedFile,
  noConversions,
  openConversions,
} from "../git/conversions.js";
import type { Change, Comparison } from "./change.js";
import { collect, oldChunks } from "./content.js";
import { omittedKind } from "./omissions.js";
import { seedItem } from "./touched-trees.js";

/** A checkout of the host that the seed is a folder of. */
export interface CheckoutAbove extends Pick<PatchedCheckout, "read"> {
  /** Of the folder in it. */
  readonly prefix: BytePath;
}

interface Baseline extends Pick<Comparison, "source" | "seed" | "signal"> {
  readonly above?: CheckoutAbove | undefined;
}

/** git converts nothing outside of a checkout. */
export async function hostConversions(baseline: Baseline, changes: readonly Change[]): Promise<Conversions> {
  const { seed, source, signal } = baseline;
  const hasOwn = (await seed.lookup(Buffer.from(".git"))) !== undefined;
  const above = hasOwn ? undefined : baseline.above;
  if (!hasOwn && above === undefined) return noConversions();
  // As git: a link is no such file.
  const readSeed: PatchedCheckout["read"] = async (path, maxBytes) => {
    const entry = await seed.lookup(pathBytes(path));
    if (entry?.kind !== "file" || entry.size > maxBytes) return undefined;
    return collect(oldChunks(source, seedItem(entry, false), signal));
  };
  const prefix = above?.prefix ?? rootPath;
  const placed = (path: BytePath): BytePath => (prefix === rootPath ? path : joinPath(prefix, path));
  const conversions = await openConversions({
    read: async (path, maxBytes) => {
      if (above === undefined) return readSeed(path, maxBytes);
      const isBelow = path.startsWith(`${prefix}/`);
      return isBelow ? readSeed(trustedPath(path.slice(prefix.length + 1)), maxBytes) : above.read(path, maxBytes);
    },
    files: changes.filter((change) => omittedKind(change) === undefined).map((change) => touchedBy(change, placed)),
    signal,
  });
  return {
    reading: async (path) => conversions.reading(placed(path)),
    writing: async (path) => conversions.writing(placed(path)),
    settings: conversions.settings,
  };
}

function touchedBy({ path, oldPath, old, now }: Change, placed: (path: BytePath) => BytePath): TouchedFile {
  const before = oldPath ?? path;
  return {
    paths: [before, path].map(placed),
    read: old?.kind === "file" ? placed(before) : undefined,
    written: now?.kind === "file" ? placed(path) : undefined,
  };
}
