// Owns what becomes of a staging folder when its export is over, by its record. Never touches a folder that the record does not mean.
import { chmod, lstat, readdir, rename, rm, rmdir } from "node:fs/promises";
import { hasErrno } from "../../base/error.js";
import { type OpenedPath, descriptorPath, openEntry } from "../../base/host-roots.js";
import { type ExportPlace, checkPlace, lstatIn, pathIn, stagingPrefix } from "./export-place.js";
import type { ExportRecord, FileIdentity } from "./export-record.js";

export const stagedNames = { made: "made", replaced: "replaced" } as const;

/** Why what was taken from the target stays where it is. */
export type GivenBack = "settled" | "target_taken" | "not_ours";

/** A device counts only until the host is started again. */
export function isSameFile(now: FileIdentity, then: FileIdentity, sameBoot: boolean): boolean {
  return now.inode === then.inode && (!sameBoot || now.device === then.device);
}

export async function identityOf({ handle }: OpenedPath): Promise<FileIdentity> {
  const { dev, ino } = await handle.stat({ bigint: true });
  return { device: String(dev), inode: String(ino) };
}

/**
 * Puts back what was moved aside for something that did not come. Applies the checks of an export again. Whatever is not as
 * the record says stays as it is.
 */
export async function giveBack(place: ExportPlace, record: ExportRecord, sameBoot = true): Promise<GivenBack> {
  const found = await withOurs({ parent: place.parent, record, sameBoot }, async (staging) => {
    const { swap } = record;
    const [isMade, aside] = await Promise.all([
      lstatIn(staging, stagedNames.made),
      lstatIn(staging, stagedNames.replaced),
    ]);
    // Without `made` the export is at its target, and what was there before is to go.
    if (swap === null || isMade === undefined) return "settled";
    const isReplaced = ({ dev, ino }: { dev: bigint; ino: bigint }): boolean =>
      isSameFile({ device: String(dev), inode: String(ino) }, swap.replaced, sameBoot);
    if (aside !== undefined) {
      if (!isReplaced(aside)) return "not_ours";
      if ((await lstatIn(place.parent, place.name)) !== undefined) return "target_taken";
      await checkPlace(place);
      await rename(pathIn(staging, stagedNames.replaced), pathIn(place.parent, place.name));
    }
    const back = await lstatIn(place.parent, place.name);
    if (back?.isDirectory() === true && isReplaced(back)) await closeAgain(place, swap.mode);
    return "settled";
  });
  return found === "gone" ? "settled" : found;
}

/** It was made writable to be moved. */
async function closeAgain({ parent, name }: ExportPlace, mode: number): Promise<void> {
  await using folder = await openEntry(parent, name);
  if (folder.kind === "directory") await chmod(descriptorPath(folder), mode);
}

/** Removes the folder with what is in it; to be asked only once nothing in it has to be given back. */
export async function removeStaging(parent: OpenedPath, record: ExportRecord, sameBoot = true): Promise<void> {
  await withOurs({ parent, record, sameBoot }, async (staging) => {
    // Without an identity it is ours by its name alone: then nothing can be in it.
    if (record.staging !== null) for (const name of Object.values(stagedNames)) await removeTree(staging, name);
    await rmdir(pathIn(parent, stagingName(record)));
  });
}

interface Meant {
  readonly parent: OpenedPath;
  readonly record: ExportRecord;
  readonly sameBoot: boolean;
}

/** Runs work in the folder that the record means, found by its name and then judged by what it is. */
async function withOurs<Result>(
  { parent, record, sameBoot }: Meant,
  work: (staging: OpenedPath) => Promise<Result>,
): Promise<Result | "gone" | "not_ours"> {
  let opened: OpenedPath;
  try {
    opened = await openEntry(parent, stagingName(record));
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return "gone";
    throw error;
  }
  await using folder = opened;
  const { uid } = await folder.handle.stat();
  const isMeant = record.staging === null || isSameFile(await identityOf(folder), record.staging, sameBoot);
  return folder.kind === "directory" && uid === record.uid && isMeant ? await work(folder) : "not_ours";
}

function stagingName({ token }: ExportRecord): string {
  return `${stagingPrefix}${token}`;
}

/** Folders may be without the permission to empty them. */
async function removeTree(folder: OpenedPath, name: string): Promise<void> {
  const path = pathIn(folder, name);
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasErrno(error, "EACCES") && !hasErrno(error, "EPERM")) throw error;
    if ((await lstat(path)).isDirectory()) await openFolders(Buffer.from(path));
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(folder: Buffer): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: "buffer" })) {
    if (entry.isDirectory()) await openFolders(Buffer.concat([folder, Buffer.from("/"), entry.name]));
  }
}
