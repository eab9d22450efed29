// Owns file names in the header lines of git's format: quoting, prefixes, /dev/null. Never checks where a name leads.
import { unquoteName } from "../git/quoted-name.js";
import { damagedPatch } from "./patch-lines.js";

export interface Names {
  /** Undefined for /dev/null. */
  readonly oldName: string | undefined;
  readonly newName: string | undefined;
}

/** The names as git reads them, and what else the same lines could mean. */
export interface FileNames extends Names {
  /**
   * The name as it is written, where what git strips of it does not look like a prefix: `src/x` of `--- src/x`.
   * It is meant where the stripped one is not there; where both could be meant, the patch is refused.
   */
  readonly rivalName: string | undefined;
  /** Other names on the same lines, meant where the first is not there. */
  readonly fallbackNames: readonly string[];
}

/** Folders that programs put before names: git's a and b, and those of diff.mnemonicPrefix. */
const usualPrefix = /^[abciow12]\//u;

/** The name after `rename from ` or `--- ` in a file of git's format, unquoted; undefined for /dev/null. */
export function parseName(text: string, line: number): string | undefined {
  const quoted = text.startsWith('"') ? unquoteName(text) : undefined;
  if (text.startsWith('"') && quoted === undefined) throw damagedPatch(line, "a quoted name is malformed");
  // A timestamp, or nothing, follows a tab.
  const name = quoted?.name ?? text.split("\t")[0]?.replace(/\r$/u, "") ?? "";
  if (name === "") throw damagedPatch(line, "a file name is empty");
  return name === "/dev/null" ? undefined : name;
}

/** Strips a name that stands alone, beside /dev/null. */
export function oneSided(name: string): { readonly name: string; readonly rivalName: string | undefined } {
  if (name.startsWith("/workspace/")) return { name: name.slice("/workspace/".length), rivalName: undefined };
  if (!name.includes("/") || name.startsWith("/")) return { name, rivalName: undefined };
  return { name: withoutFirst(name), rivalName: usualPrefix.test(name) ? undefined : name };
}

/** Strips the prefixes of the two names of one file, which are two unless they differ in their first folder only. */
export function stripPrefixes({ oldName, newName }: Names): FileNames {
  if (oldName === undefined || newName === undefined) {
    const { name, rivalName } = oneSided(oldName ?? newName ?? "");
    const names = oldName === undefined ? { oldName, newName: name } : { oldName: name, newName };
    return { ...names, rivalName, fallbackNames: [] };
  }
  const bare = { oldName: withoutFirst(oldName), newName: withoutFirst(newName), fallbackNames: [] };
  const isPrefixed = oldName.startsWith("a/") && newName.startsWith("b/");
  const isOneFile = oldName.includes("/") && newName.includes("/") && bare.oldName === bare.newName;
  if (isPrefixed || (isOneFile && oldName !== newName)) return { ...bare, rivalName: undefined };
  if (isOneFile) return { ...bare, rivalName: newName };
  return { oldName, newName, rivalName: undefined, fallbackNames: [] };
}

function withoutFirst(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** Both names of `diff --git A B`, which are one name under two prefixes unless other headers say more. */
export function parseGitLine(text: string): FileNames | undefined {
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
