// Owns turning one change into its part of the patch: reads both contents, or says why the change is left out.
import type { BytePath } from "../byte-path.js";
import { type Change, type Comparison, gitMode, targetOf } from "./change.js";
import { collect, isGone, newChunks, oldChunks, upcomingNew, upcomingOld } from "./content.js";
import { type FileVersion, filePatch, isBinary } from "./file-patch.js";
import { isRefusedByGit } from "../git/quoted-name.js";
import type { Upcoming } from "./read-ahead.js";
import type { Item } from "./touched-trees.js";

/**
 * empty_folder, special_file: no patch can hold it. git_refuses: `git apply` calls the name invalid. repository: git would
 * run what it says, where the patch is applied.
 */
export type OmittedReason =
  "empty_folder" | "special_file" | "git_refuses" | "repository" | "too_large" | "gone_meanwhile";

export interface ChangePatch {
  readonly text: string;
  readonly binary?: boolean;
  readonly omitted?: OmittedReason;
  /** The file was put back to what it was while this ran. */
  readonly same?: boolean;
  /** It cannot fit into `maxCharacters`; the text is empty. */
  readonly tooLong?: boolean;
}

const maxFileBytes = 50 * 1024 * 1024;
/** Contents that no compression is expected to bring below the limit are not even read. */
const hopefulRatio = 20;

/** The part for one change. A patch that is longer than `maxCharacters` may still be returned: the caller counts. */
export async function changePatch(change: Change, comparison: Comparison, maxCharacters: number): Promise<ChangePatch> {
  const omitted = omittedReason(change);
  const sides = [change.old, change.now].filter((item) => item?.kind === "file" || item?.kind === "symlink");
  if (sides.length === 0 || omitted === "git_refuses" || omitted === "too_large")
    return { text: "", ...reason(omitted) };
  if (change.status !== "renamed" && sides.some((item) => (item?.size ?? 0) > maxCharacters * hopefulRatio)) {
    return { text: "", tooLong: true };
  }
  try {
    return { ...(await readAndCompare(change, comparison)), ...reason(omitted) };
  } catch (error) {
    if (isGone(error)) return { text: "", omitted: "gone_meanwhile" };
    throw error;
  }
}

/** What `changePatch` will read. */
export function upcomingContents({ path, status, old, now }: Change): readonly Upcoming[] {
  if (status === "renamed") return [];
  return [...(old === undefined ? [] : upcomingOld(old)), ...(now === undefined ? [] : upcomingNew(path, now))];
}

function reason(omitted: OmittedReason | undefined): { omitted?: OmittedReason } {
  return omitted === undefined ? {} : { omitted };
}

function omittedReason({ path, oldPath, old, now, status }: Change): OmittedReason | undefined {
  const sides = [old, now].filter((item) => item !== undefined);
  if (sides.some((item) => isRefusedByGit(path, item.kind === "symlink"))) return "git_refuses";
  if (oldPath !== undefined && isRefusedByGit(oldPath, old?.kind === "symlink")) return "git_refuses";
  if (status !== "renamed" && sides.some((item) => item.size > maxFileBytes && item.kind === "file"))
    return "too_large";
  if (sides.some((item) => item.kind === "fifo" || item.kind === "socket" || item.kind === "device"))
    return "special_file";
  return status !== "type_changed" && sides.some((item) => item.kind === "directory") ? "empty_folder" : undefined;
}

async function readAndCompare(change: Change, comparison: Comparison): Promise<ChangePatch> {
  const { path, oldPath, status } = change;
  const old = await readVersion(comparison, oldPath ?? path, {
    item: change.old,
    isOld: true,
    skip: status === "renamed",
  });
  const now = await readVersion(comparison, path, { item: change.now, isOld: false, skip: status === "renamed" });
  const contents = [old, now].filter((version) => version !== undefined);
  const binary = status !== "renamed" && contents.some((version) => isBinary(version.content));
  if (status === "type_changed") {
    const parts = [await filePatch({ old, now: undefined }), await filePatch({ old: undefined, now })];
    return { text: parts.join(""), binary };
  }
  if (status === "modified" && old !== undefined && now !== undefined && isEqual(old, now))
    return { text: "", same: true };
  return { text: await filePatch({ old, now }), ...(status === "renamed" ? {} : { binary }) };
}

interface Side {
  readonly item: Item | undefined;
  readonly isOld: boolean;
  /** Only the name and mode matter. */
  readonly skip: boolean;
}

async function readVersion(comparison: Comparison, path: BytePath, side: Side): Promise<FileVersion | undefined> {
  const { item } = side;
  if (item?.kind !== "file" && item?.kind !== "symlink") return undefined;
  return { path, mode: gitMode(item), content: await readContent(comparison, path, { ...side, item }) };
}

async function readContent(
  { source, signal }: Comparison,
  path: BytePath,
  { item, isOld, skip }: Side & { readonly item: Item },
): Promise<Buffer> {
  if (skip) return Buffer.alloc(0);
  if (item.kind === "symlink") return Buffer.from(targetOf(item));
  return collect(isOld ? oldChunks(source, item, signal) : newChunks(source, { path, item }, signal));
}

function isEqual(old: FileVersion, now: FileVersion): boolean {
  return old.mode === now.mode && old.content.equals(now.content);
}
