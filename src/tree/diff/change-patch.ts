// Owns turning one change into its part of the patch: reads both contents, or says why the change is left out.
import type { BytePath } from "../byte-path.js";
import { type Change, type Comparison, gitMode, targetOf } from "./change.js";
import { collect, isGone, newChunks, oldChunks, upcomingNew, upcomingOld } from "./content.js";
import { type FileVersion, filePatch, isBinary } from "./file-patch.js";
import { type OmittedKind, omittedKind } from "./omissions.js";
import type { Upcoming } from "./read-ahead.js";
import type { Item } from "./touched-trees.js";

export interface ChangePatch {
  readonly text: string;
  readonly binary?: boolean;
  readonly omitted?: OmittedKind;
  /** The file was put back to what it was while this ran. */
  readonly same?: boolean;
  /** It cannot fit into `maxCharacters`; the text is empty. */
  readonly tooLong?: boolean;
}

/** Contents that no compression is expected to bring below the limit are not even read. */
const hopefulRatio = 20;

/** The part for one change. A patch that is longer than `maxCharacters` may still be returned: the caller counts. */
export async function changePatch(change: Change, comparison: Comparison, maxCharacters: number): Promise<ChangePatch> {
  const omitted = omittedKind(change);
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

function reason(omitted: OmittedKind | undefined): { omitted?: OmittedKind } {
  return omitted === undefined ? {} : { omitted };
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
