// Owns turning one change into its part of the patch: reads both contents, or says why the change is left out.
import type { BytePath } from "../byte-path.js";
import { type Change, type Comparison, gitMode, targetOf } from "./change.js";
import { collect, isGone, newChunks, oldChunks, upcomingNew, upcomingOld } from "./content.js";
import { type FilePair, type FileVersion, filePatch, isBinary } from "./file-patch.js";
import { type Difference, type GitForm, gitForm } from "./git-form.js";
import { changesNothing } from "../git/conversion.js";
import type { Conversions } from "../git/conversions.js";
import { type OmittedKind, omittedKind } from "./omissions.js";
import type { Upcoming } from "./read-ahead.js";
import type { Item } from "./touched-trees.js";

export interface ChangePatch {
  readonly text: string;
  readonly binary?: boolean;
  readonly omitted?: OmittedKind;
  /** The file was put back to what it was while this ran. */
  readonly same?: boolean;
  /** Why git makes other bytes of it. */
  readonly difference?: Difference;
  /** The filters that git would send it through where they are set up, which the patch is not made for. */
  readonly filters?: readonly string[];
  /** It cannot fit into `maxCharacters`; the text is empty. */
  readonly tooLong?: boolean;
}

export interface PatchComparison extends Comparison {
  readonly conversions: Conversions;
}

/** Contents that no compression is expected to bring below the limit are not even read. */
const hopefulRatio = 20;

/** The part for one change. A patch that is longer than `maxCharacters` may still be returned: the caller counts. */
export async function changePatch(
  change: Change,
  comparison: PatchComparison,
  maxCharacters: number,
): Promise<ChangePatch> {
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

async function readAndCompare(change: Change, comparison: PatchComparison): Promise<ChangePatch> {
  const { path, oldPath, status } = change;
  const { conversions } = comparison;
  const ways = {
    reading: await conversions.reading(oldPath ?? path),
    writing: await conversions.writing(path),
  };
  const isConverted = !(changesNothing(ways.reading) && changesNothing(ways.writing));
  // Of a rename only the name matters, unless git converts the file.
  const skip = status === "renamed" && !isConverted;
  const old = await readVersion(comparison, oldPath ?? path, { item: change.old, isOld: true, skip });
  const now =
    status === "renamed" && old !== undefined && change.now !== undefined
      ? { path, mode: gitMode(change.now), content: old.content }
      : await readVersion(comparison, path, { item: change.now, isOld: false, skip });
  const pair = { old, now };
  if (status === "modified" && isEqual(pair)) return { text: "", same: true };
  const form = async (each: FilePair): Promise<GitForm> =>
    isConverted && !isLink(each) ? gitForm(each, ways) : plainForm(each, conversions);
  const parts =
    status === "type_changed"
      ? [await form({ old, now: undefined }), await form({ old: undefined, now })]
      : [await form(pair)];
  const difference = parts.find((part) => part.difference !== undefined)?.difference;
  const filters = [
    old === undefined ? undefined : ways.reading.filter,
    now === undefined ? undefined : ways.writing.filter,
  ];
  return {
    text: parts.map(({ text }) => text).join(""),
    ...(status === "renamed" ? {} : { binary: parts.some(({ binary }) => binary) }),
    ...(difference === undefined ? {} : { difference }),
    ...(isLink(pair) ? {} : { filters: filters.filter((filter) => filter !== undefined) }),
  };
}

async function plainForm(pair: FilePair, { settings: { format } }: Conversions): Promise<GitForm> {
  const contents = [pair.old, pair.now].filter((version) => version !== undefined);
  return { text: await filePatch(pair, { format }), binary: contents.some(({ content }) => isBinary(content)) };
}

/** git converts no link. */
function isLink({ old, now }: FilePair): boolean {
  return (now ?? old)?.mode === "120000";
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

function isEqual({ old, now }: FilePair): boolean {
  return old !== undefined && now !== undefined && old.mode === now.mode && old.content.equals(now.content);
}
