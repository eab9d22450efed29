// Owns which file a plain diff is for, by git's rules: dates, the epoch, a folder to strip, the shorter of two names. Never looks at files.
import { unquoteName } from "../git/quoted-name.js";
import { type FileNames, oneSided } from "./name-lines.js";
import { type PatchLines, damagedPatch } from "./patch-lines.js";

export interface PlainHeader extends FileNames {
  readonly action: "modify" | "add" | "delete";
  /** Its old side is dated at the epoch: a new file, which may be there already, and empty. */
  readonly isNew: boolean;
}

interface Side {
  /** Undefined for /dev/null. */
  readonly name: string | undefined;
  readonly isQuoted: boolean;
  /** Its date is the epoch: the file is not there on this side. */
  readonly isAbsent: boolean;
}

/** What programs that write patches with dates put behind the name, after a tab or, once damaged, after blanks. */
const timestamp = /[\t ]+(?:\d\d)?\d\d-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d\d:?\d\d)?$/u;
const epoch = /\t(1969-12-31|1970-01-01) (\d\d):(\d\d):00(?:\.0+)? ([+-])(\d\d):?(\d\d)$/u;

/** True before `--- NAME`, `+++ NAME`, `@@`. */
export function isPlainStart(lines: PatchLines): boolean {
  return (
    lines.peek()?.startsWith("--- ") === true &&
    lines.peek(1)?.startsWith("+++ ") === true &&
    lines.peek(2)?.startsWith("@@ -") === true
  );
}

/** Reads a `---` and a `+++` line. */
export function parsePlainHeader(lines: PatchLines): PlainHeader {
  const line = lines.number;
  const old = readSide((lines.next() ?? "").slice(4), line);
  const now = readSide((lines.next() ?? "").slice(4), line + 1);
  if (old.name === undefined && now.name === undefined) throw damagedPatch(line, "both names are /dev/null");
  if (old.name === undefined) return { action: "add", isNew: false, ...placed({ newName: now.name }) };
  if (now.name === undefined) return { action: "delete", isNew: false, ...placed({ oldName: old.name }) };
  const names = twoSided(old.name, now.name);
  if (old.isAbsent) return { ...names, action: "modify", isNew: true, fallbackNames: [] };
  if (now.isAbsent) return { ...names, action: "delete", isNew: false, newName: undefined };
  return { ...names, action: "modify", isNew: false };
}

/** The name on one of the two lines, without its date. */
function readSide(text: string, line: number): Side {
  const bare = text.replace(/\r$/u, "");
  const quoted = bare.startsWith('"') ? unquoteName(bare) : undefined;
  if (bare.startsWith('"') && quoted === undefined) throw damagedPatch(line, "a quoted name is malformed");
  const name = quoted?.name ?? bare.replace(timestamp, "").split("\t")[0] ?? "";
  if (name === "") throw damagedPatch(line, "a file name is empty");
  return {
    name: name === "/dev/null" ? undefined : name,
    isQuoted: quoted !== undefined,
    isAbsent: isEpoch(bare),
  };
}

/** In any zone, as git reads it. */
function isEpoch(text: string): boolean {
  const match = epoch.exec(text);
  if (match === null) return false;
  const [, day = "", hour, minute, sign, zoneHours, zoneMinutes] = match;
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === "-" ? -1 : 1);
  return Number(hour) * 60 + Number(minute) - zone === (day.startsWith("1969") ? 24 * 60 : 0);
}

function placed({ oldName, newName }: { readonly oldName?: string; readonly newName?: string | undefined }): FileNames {
  const { name, rivalName } = oneSided(oldName ?? newName ?? "");
  return {
    oldName: oldName === undefined ? undefined : name,
    newName: oldName === undefined ? name : undefined,
    rivalName,
    fallbackNames: [],
  };
}

/** One file under two names, whose first folders are stripped where both have one. */
function twoSided(old: string, now: string): FileNames & { readonly newName: string } {
  const inRoot = [old, now].map(withoutRoot);
  if (inRoot.some((name) => name !== undefined)) return settled(inRoot[0] ?? old, inRoot[1] ?? now);
  const [oldBare, nowBare] = [withoutFirst(old), withoutFirst(now)];
  // git strips nothing where the new name has no folder; where only the old one has none, the new one's is left.
  if (nowBare === undefined) return settled(old, now);
  const names = settled(oldBare ?? nowBare, nowBare);
  const isPrefixed = old.split("/")[0] !== now.split("/")[0];
  return isPrefixed ? names : { ...names, rivalName: settled(old, now).newName };
}

/** The second name, unless it is the first with something behind it, such as `.orig`. */
function settled(old: string, now: string): FileNames & { readonly newName: string } {
  const name = now.length > old.length && now.startsWith(old) ? old : now;
  const fallbackNames = [...new Set([old, now])].filter((each) => each !== name);
  return { oldName: name, newName: name, rivalName: undefined, fallbackNames };
}

function withoutFirst(name: string): string | undefined {
  const slash = name.indexOf("/");
  return slash === -1 || slash === name.length - 1 ? undefined : name.slice(slash + 1);
}

function withoutRoot(name: string): string | undefined {
  return name.startsWith("/workspace/") ? name.slice("/workspace/".length) : undefined;
}
