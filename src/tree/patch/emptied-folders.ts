// Owns which folders go with the last file in them, as git has it. Never looks into a folder from which nothing goes.
import type { BytePath } from "../byte-path.js";
import { foldersAbove, pathBytes } from "../byte-path.js";
import type { PatchFiles } from "./patch-files.js";

interface Fates {
  /** Paths that go. */
  readonly deletes: readonly Buffer[];
  /** Paths that are written. */
  readonly kept: readonly Buffer[];
}

/** Innermost first. A folder that was empty before, or holds an empty one, stays. */
export async function emptiedFolders(files: PatchFiles, { deletes, kept }: Fates): Promise<readonly Buffer[]> {
  const gone = new Set(deletes.map((path) => path.toString("latin1")));
  const wanted = new Set(kept.flatMap((path) => [...foldersAbove(path.toString("latin1") as BytePath)]));
  const folders = new Set([...gone].flatMap((path) => [...foldersAbove(path as BytePath)]));
  const emptied: Buffer[] = [];
  // The deeper come first, so that a folder's folders are decided before it is.
  for (const folder of [...folders].sort((left, right) => depth(right) - depth(left))) {
    if (wanted.has(folder)) continue;
    const left = (await files.entriesOf(pathBytes(folder))).filter((entry) => !gone.has(entry.toString("latin1")));
    if (left.length > 0) continue;
    gone.add(folder);
    emptied.push(pathBytes(folder));
  }
  return emptied;
}

function depth(path: BytePath): number {
  return path.split("/").length;
}
