// Owns showing how a config file changes. Never shows lines that do not change: they may hold secrets of others.
import { structuredPatch } from "diff";
import { maskPasswords } from "../base/mask-passwords.js";
import { valueAt } from "./config-format.js";
import type { ChatHost, ConfigPlace } from "./host.js";

export interface FileChange {
  readonly scope: ConfigPlace["scope"];
  readonly file: string;
  /** Unified diff without context; passwords of URLs are masked. */
  readonly diff: string;
}

/** Characters of a line; a longer one is more than our entry, such as a whole file without line breaks. */
const maxLine = 500;

/** How an edit of our entry changes the file; in lines of the entry alone where those of the file would show more. */
export function editOf(
  host: ChatHost,
  place: ConfigPlace,
  { before, after }: { readonly before: string; readonly after: string },
): FileChange {
  const lines = changedLines(before, after);
  const isLong = lines.some((line) => line.length > maxLine);
  return changeIn(place, isLong ? changedLines(entryIn(host, place, before), entryIn(host, place, after)) : lines);
}

/** The same for an entry that the host's own command writes, where it likes; what else it writes is its own business. */
export function additionOf({ format }: ChatHost, place: ConfigPlace, fields: unknown): FileChange {
  const lines = format.set("", place.keys, fields).trimEnd().split("\n");
  return changeIn(
    place,
    lines.map((line) => `+${line}`),
  );
}

function changeIn({ scope, path }: ConfigPlace, lines: readonly string[]): FileChange {
  return { scope, file: path, diff: [`--- ${path}`, `+++ ${path}`, ...lines.map(maskPasswords)].join("\n") };
}

function changedLines(before: string, after: string): readonly string[] {
  const { hunks } = structuredPatch("", "", before, after, undefined, undefined, { context: 0 });
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
}

/** The entry in a file of its own. */
function entryIn({ format }: ChatHost, { keys }: ConfigPlace, text: string): string {
  const parsed = format.parse(text);
  const entry = parsed.kind === "parsed" ? valueAt(parsed.value, keys) : undefined;
  return entry === undefined ? "" : format.set("", keys, entry);
}
