// Owns undoing a change of ours in the text of a config file, with every other byte as it is. Never touches a file.
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { isTable, valueAt, withValueAt, type ConfigFormat, type ConfigPath } from "./config-format.js";

/** What we set at one place of a file. */
const setting = z.strictObject({
  keys: z.array(z.string()).min(1),
  /** So many of the keys, from the top, were there before. */
  depth: z.int().min(0),
  /** Items that we added to a list; null where it is a value. */
  items: z.array(z.string()).nullable(),
  /** What was there before; null where nothing was. */
  previous: z.union([z.string(), z.boolean(), z.null()]),
  /** What we set; null for an entry, which counts as ours whatever is in it. */
  value: z.union([z.string(), z.boolean(), z.null()]),
});
export type OwnSetting = z.output<typeof setting>;

/** What we did to one file. */
export const ownEdit = z.strictObject({
  path: z.string(),
  scope: z.enum(["user", "project", "local"]),
  /** Of a project's file: the folder that it must lie in. */
  within: z.string().nullable(),
  /** There was no file before. */
  created: z.boolean(),
  /** Nor the folder that it lies in. */
  made_folder: z.boolean(),
  /** The part of the text that was replaced, and by what; empty where another program wrote it. */
  was: z.string(),
  is: z.string(),
  settings: z.array(setting),
});
export type OwnEdit = z.output<typeof ownEdit>;

/** The part in which two texts differ. */
export function differingPart(before: string, after: string): Pick<OwnEdit, "was" | "is"> {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { was: before.slice(start, before.length - end), is: after.slice(start, after.length - end) };
}

/** How many of the keys, from the top, are there. */
export function depthOf(value: unknown, keys: ConfigPath): number {
  const missing = keys.findIndex((_, index) => valueAt(value, keys.slice(0, index + 1)) === undefined);
  return missing === -1 ? keys.length : missing;
}

/**
 * The text without what we set, and without the tables that we made for it where nothing else is in them. Undefined where that
 * cannot be done without changing anything else.
 */
export function takenBack(format: ConfigFormat, text: string, edit: OwnEdit): string | undefined {
  const parsed = format.parse(text);
  if (parsed.kind === "broken") return undefined;
  const wanted = edit.settings.reduce(withoutSetting, parsed.value);
  const isWanted = (candidate: string | undefined) => {
    const after = candidate === undefined ? undefined : format.parse(candidate);
    return after?.kind === "parsed" && isDeepStrictEqual(plain(after.value, edit), plain(wanted, edit));
  };
  return [spliced(text, edit), settled(format, text, { edit, wanted })].find(isWanted);
}

/** Byte for byte, where what we wrote is still there as we wrote it. */
function spliced(text: string, { was, is }: OwnEdit): string | undefined {
  const [before, after, ...more] = is === "" ? [] : text.split(is);
  return before === undefined || after === undefined || more.length > 0 ? undefined : before + was + after;
}

/** Setting by setting. */
function settled(
  format: ConfigFormat,
  text: string,
  { edit, wanted }: { readonly edit: OwnEdit; readonly wanted: unknown },
): string | undefined {
  let edited = text;
  for (const { keys } of edit.settings) {
    const parsed = format.parse(edited);
    if (parsed.kind === "broken") return undefined;
    if (isDeepStrictEqual(valueAt(parsed.value, keys), valueAt(wanted, keys))) continue;
    const path = keys.slice(0, depthOf(wanted, keys) + 1);
    const value = valueAt(wanted, path);
    edited = value === undefined ? format.remove(edited, path) : format.set(edited, path, value);
  }
  return edited;
}

/** What the user has changed since is the user's. */
function withoutSetting(value: unknown, { keys, depth, items, previous, value: set }: OwnSetting): unknown {
  const present = valueAt(value, keys);
  if (present === undefined) return value;
  const before = previous ?? undefined;
  if (items === null) {
    return set === null || present === set ? pruned(withValueAt(value, keys, before), keys, depth) : value;
  }
  if (!Array.isArray(present)) return value;
  const others = present.filter((item) => !items.includes(item));
  const isOurs = others.length === 0 && depth < keys.length;
  return pruned(withValueAt(value, keys, isOurs ? undefined : others), keys, depth);
}

/** Without the empty tables on the way that were not there before. */
function pruned(value: unknown, keys: ConfigPath, depth: number): unknown {
  let rest = value;
  for (let length = keys.length - 1; length > depth; length -= 1) {
    const table = valueAt(rest, keys.slice(0, length));
    if (isTable(table) && Object.keys(table).length === 0) rest = withValueAt(rest, keys.slice(0, length), undefined);
  }
  return rest;
}

/** To compare by: an empty table on the way is none, and prototypes do not count. */
function plain(value: unknown, { settings }: OwnEdit): unknown {
  return copyOf(settings.reduce((rest, { keys }) => pruned(rest, keys, 0), value));
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]));
}
