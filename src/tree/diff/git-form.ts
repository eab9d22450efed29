// Owns the form in which one change stands in a patch: such that git, which converts what it reads and writes, comes to the bytes of the workspace. Never reads a file.
import { type Conversion, changesNothing, losesCarriageReturns, readByGit, writtenByGit } from "../git/conversion.js";
import { type FilePair, type FileVersion, filePatch, isBinary } from "./file-patch.js";

/**
 * Why git makes other bytes than the workspace has: it ends lines in CRLF, expands $Id$ anew, has one way to write this
 * encoding; or the encoding is not known here.
 */
export type Difference = "crlf" | "keyword" | "encoding" | "unknown_encoding";

export interface GitForm {
  readonly text: string;
  readonly binary: boolean;
  readonly difference?: Difference;
}

export interface BothWays {
  /** Of the old path, before the patch. */
  readonly reading: Conversion;
  /** Of the new path. */
  readonly writing: Conversion;
}

interface Side {
  readonly version: FileVersion;
  /** What stands in the patch. */
  readonly content: Buffer;
}

/** Regular files only: git converts no link. */
export async function gitForm({ old, now }: FilePair, ways: BothWays): Promise<GitForm> {
  const before = old === undefined ? undefined : { version: old, content: readByGit(old.content, ways.reading, true) };
  const after = now === undefined ? undefined : { version: now, content: toWrite(now.content, ways.writing) };
  const binary = [before, after].some((side) => side !== undefined && isBinary(side.content));
  const text =
    before === undefined || after === undefined
      ? await oneSided({ before, after }, ways)
      : await bothSided({ before, after, binary }, ways);
  return { text, binary, ...differenceOf(after, ways) };
}

interface Sides<Present = Side | undefined> {
  readonly before: Present;
  readonly after: Present;
  /** Either of them. */
  readonly binary: boolean;
}

async function oneSided({ before, after }: Omit<Sides, "binary">, { reading, writing }: BothWays): Promise<string> {
  const read = before !== undefined && isBinary(before.content) ? readWhole(before, reading) : before;
  return filePatch({ old: shown(read), now: shown(after) }, { format: writing.format });
}

async function bothSided(sides: Sides<Side>, ways: BothWays): Promise<string> {
  const { reading, writing } = ways;
  const { before, after, binary } = sides;
  const form = { format: writing.format };
  const whole = readWhole(before, reading);
  const isMove = before.version.path !== after.version.path;
  const hasHeaders = isMove || before.version.mode !== after.version.mode;
  // Without hunks git reads and writes it all the same.
  const isDone = writtenByGit(whole.content, writing).equals(after.version.content);
  const isSame = before.version.content.equals(after.version.content);
  if (hasHeaders && isSame && isDone)
    return filePatch({ old: shown(whole), now: { ...after.version, content: whole.content } }, form);
  const isSaid = binary ? whole.content.equals(after.content) : before.content.equals(after.content);
  if (isMove || isSaid) {
    const isExact = writtenByGit(after.content, writing).equals(after.version.content);
    if (!hasHeaders && !isExact) return "";
    return (await oneSided({ before, after: undefined }, ways)) + (await oneSided({ before: undefined, after }, ways));
  }
  if (binary) return filePatch({ old: shown(whole), now: shown(after) }, form);
  const text = await filePatch({ old: shown(before), now: shown(after) }, form);
  // Where no old line in it ends so, git would take all carriage returns away.
  const needsMore = losesCarriageReturns(before.content, reading) && !oldLineWithReturn.test(text);
  return needsMore ? filePatch({ old: shown(before), now: shown(after) }, { ...form, whole: true }) : text;
}

const oldLineWithReturn = /\n[ -][^\n]*\r\n/u;

function shown(side: Side): FileVersion;
function shown(side: Side | undefined): FileVersion | undefined;
function shown(side: Side | undefined): FileVersion | undefined {
  return side === undefined ? undefined : { ...side.version, content: side.content };
}

/** As git reads it for a patch without lines. */
function readWhole({ version }: Side, reading: Conversion): Side {
  return { version, content: readByGit(version.content, reading, false) };
}

/** What git writes as these bytes; where there is no such thing, as nearly these. */
function toWrite(content: Buffer, writing: Conversion): Buffer {
  const near = readByGit(content, writing, true);
  return [near, content].find((each) => writtenByGit(each, writing).equals(content)) ?? near;
}

function differenceOf(after: Side | undefined, { reading, writing }: BothWays): { difference?: Difference } {
  if (reading.encoding === "unknown" || writing.encoding === "unknown") return { difference: "unknown_encoding" };
  if (after === undefined || changesNothing(writing)) return {};
  const { content } = after.version;
  const written = writtenByGit(after.content, writing);
  if (written.equals(content)) return {};
  if (
    writtenByGit(readByGit(content, { ...writing, ident: false }, true), { ...writing, ident: false }).equals(content)
  ) {
    return { difference: "keyword" };
  }
  const plain = { ...writing, lineEnds: "as they are" as const };
  return { difference: writtenByGit(readByGit(content, plain, true), plain).equals(content) ? "crlf" : "encoding" };
}
