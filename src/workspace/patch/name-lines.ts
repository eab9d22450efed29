// Owns file names in a patch's lines: quoting, a/ and b/, timestamps, /dev/null. Never checks where a name leads.
import { unquoteName } from "../diff/quoted-name.js";
import { type PatchLines, damagedPatch } from "./patch-lines.js";

export interface Names {
  /** Undefined for /dev/null. */
  readonly oldName: string | undefined;
  readonly newName: string | undefined;
}

/** True before `--- NAME`, `+++ NAME`, `@@`. */
export function isPlainStart(lines: PatchLines): boolean {
  return (
    lines.peek()?.startsWith("--- ") === true &&
    lines.peek(1)?.startsWith("+++ ") === true &&
    lines.peek(2)?.startsWith("@@ -") === true
  );
}

/** Reads a `---` and a `+++` line. */
export function parsePlainNames(lines: PatchLines): Names {
  const line = lines.number;
  const oldName = parseName((lines.next() ?? "").slice(4), line);
  const newName = parseName((lines.next() ?? "").slice(4), line + 1);
  if (oldName === undefined && newName === undefined) throw damagedPatch(line, "both names are /dev/null");
  return stripPrefixes({ oldName, newName });
}

/** The name after `--- ` or `rename from `, unquoted; undefined for /dev/null. */
export function parseName(text: string, line: number): string | undefined {
  const name = readName(text, line);
  return name === "/dev/null" ? undefined : name;
}

function readName(text: string, line: number): string {
  const quoted = text.startsWith('"') ? unquoteName(text) : undefined;
  if (text.startsWith('"') && quoted === undefined) throw damagedPatch(line, "a quoted name is malformed");
  // A timestamp, or nothing, follows a tab.
  const name = quoted?.name ?? text.split("\t")[0]?.replace(/\r$/u, "") ?? "";
  if (name === "") throw damagedPatch(line, "a file name is empty");
  return name;
}

/** Removes a/ and b/, or, of two names that differ in their first folder only (`diff -r old new`), that folder. */
export function stripPrefixes({ oldName, newName }: Names): Names {
  if (oldName === undefined) return { oldName, newName: newName?.replace(/^b\//u, "") };
  if (newName === undefined) return { oldName: oldName.replace(/^a\//u, ""), newName };
  const bare = { oldName: withoutFirst(oldName), newName: withoutFirst(newName) };
  if (oldName.startsWith("a/") && newName.startsWith("b/")) return bare;
  const isOneFile = oldName !== newName && oldName.includes("/") && bare.oldName === bare.newName;
  return isOneFile && newName.includes("/") ? bare : { oldName, newName };
}

function withoutFirst(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** Both names of `diff --git A B`, which are one name under two prefixes unless other headers say more. */
export function parseGitLine(text: string): Names | undefined {
  const rest = text.slice("diff --git ".length).replace(/\r$/u, "");
  for (const [oldName, newName] of splits(rest)) {
    const names = stripPrefixes({ oldName, newName });
    if (names.oldName === names.newName) return names;
  }
  return undefined;
}

function* splits(text: string): Generator<[string, string]> {
  const first = text.startsWith('"') ? unquoteName(text) : undefined;
  if (first !== undefined) {
    const second = first.rest.slice(1);
    yield [first.name, second.startsWith('"') ? (unquoteName(second)?.name ?? second) : second];
    return;
  }
  for (let at = text.indexOf(" "); at !== -1; at = text.indexOf(" ", at + 1)) {
    const second = text.slice(at + 1);
    yield [text.slice(0, at), second.startsWith('"') ? (unquoteName(second)?.name ?? second) : second];
  }
}
