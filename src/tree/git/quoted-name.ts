// Owns names in patches: git's C quoting, both ways, and which names git refuses. Never touches a file system.
import { isText } from "../../base/text.js";

const escapes: Readonly<Record<string, string>> = {
  "\x07": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  '"': '"',
  "\\": "\\",
};
const unescapes = new Map(Object.entries(escapes).map(([character, letter]) => [letter, character]));

/** The name, of one character per byte, as text in a patch: quoted where it must be, UTF-8 as it is. */
export function quoteName(name: string): string {
  const bytes = Buffer.from(name, "latin1");
  const isPlain = isText(bytes);
  if (isPlain && !/[\x00-\x1f"\\\x7f]/u.test(name)) return bytes.toString("utf8");
  const quoted = name.replaceAll(/[\x00-\x1f"\\\x7f-\xff]/gu, (character) => {
    const code = character.charCodeAt(0);
    if (code >= 0x80 && isPlain) return character;
    const letter = escapes[character];
    return letter === undefined ? `\\${code.toString(8).padStart(3, "0")}` : `\\${letter}`;
  });
  return `"${Buffer.from(quoted, "latin1").toString("utf8")}"`;
}

/** Reads a quoted name at the start of `text` (one character per byte); undefined when it is damaged. */
export function unquoteName(text: string): { readonly name: string; readonly rest: string } | undefined {
  const match = /^"((?:[^"\\]|\\.)*)"/su.exec(text);
  if (match?.[1] === undefined) return undefined;
  let damaged = false;
  const name = match[1].replaceAll(/\\([0-3][0-7]{2}|.)/gsu, (_whole, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code, 8));
    const character = unescapes.get(code);
    damaged ||= character === undefined;
    return character ?? "";
  });
  return damaged ? undefined : { name, rest: text.slice(match[0].length) };
}

/** True for paths that `git apply` calls invalid: other spellings of `.git`, and links named like git's own files. */
export function isRefusedByGit(path: string, isLink: boolean): boolean {
  return path.split("/").some((name) => {
    const folded = withoutIgnorable(name).toLowerCase();
    if (/^(?:\.git|git~1)[ .]*(?:$|:|\\)/u.test(name.toLowerCase()) || folded === ".git") return true;
    return isLink && (/^\.gitmodules[ .]*(?:$|:|\\)/u.test(name.toLowerCase()) || /^gitmod~[1-4]$/u.test(folded));
  });
}

/** Without the code points that HFS+ ignores in names. */
function withoutIgnorable(name: string): string {
  const text = Buffer.from(name, "latin1").toString("utf8");
  return text.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu, "");
}
