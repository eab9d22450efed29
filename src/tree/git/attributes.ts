// Owns what a .gitattributes file says of a path, as git reads it, in bounded time however it is written. Never looks for one.
import { type Effort, type IgnoreRule, matchesRule, parsePattern } from "./ignore-rules.js";
import { unquoteName } from "./quoted-name.js";

/** True, false, a value, or undefined where the attribute is left open. */
export type AttributeValue = string | boolean | undefined;

interface Statement {
  readonly name: string;
  readonly value: AttributeValue;
}

interface AttributeRule {
  readonly pattern: IgnoreRule;
  readonly states: readonly Statement[];
}

export interface AttributeFile {
  readonly rules: readonly AttributeRule[];
  /** By name; what else a path has that has it. */
  readonly macros: ReadonlyMap<string, readonly Statement[]>;
}

/** As git bounds them. */
const maxLineLength = 2048;
const maxRules = 10_000;
const attributeName = /^[\w.][\w.-]*$/u;
const binaryMacro: readonly Statement[] = ["diff", "merge", "text"].map((name) => ({ name, value: false }));

/** `text` has one character per byte. Macros count in the files of the top only. */
export function parseAttributes(text: string, isTop: boolean): AttributeFile {
  const withoutMark = text.startsWith("\u00ef\u00bb\u00bf") ? text.slice(3) : text;
  const macros = new Map<string, readonly Statement[]>();
  const rules: AttributeRule[] = [];
  for (const raw of withoutMark.split("\n", maxRules)) {
    const line = raw.replace(/^[ \t\r]+/u, "");
    if (raw.length >= maxLineLength || line === "" || line.startsWith("#")) continue;
    const { pattern, rest } = patternOf(line);
    const states = statesOf(rest);
    if (states === undefined) continue;
    if (pattern.startsWith("[attr]")) {
      const name = pattern.slice("[attr]".length);
      if (isTop && attributeName.test(name)) macros.set(name, states);
      continue;
    }
    const rule = pattern.startsWith("!") ? undefined : parsePattern(pattern);
    if (rule !== undefined && !rule.folderOnly) rules.push({ pattern: rule, states });
  }
  return { rules, macros };
}

export interface PlacedFile {
  readonly file: AttributeFile;
  /** Of the path, what lies below the file's folder. */
  readonly below: string;
}

/** What the files, the one that counts most first, say of a path. */
export function attributesOf(files: readonly PlacedFile[], effort: Effort): ReadonlyMap<string, AttributeValue> {
  const found = new Map<string, AttributeValue>();
  // Of two macros of one name that of the file that counts more is meant.
  const macros = new Map([["binary", binaryMacro], ...files.toReversed().flatMap(({ file }) => [...file.macros])]);
  const set = (states: readonly Statement[]): void => {
    for (const { name, value } of states.toReversed()) {
      if (found.has(name)) continue;
      found.set(name, value);
      const macro = macros.get(name);
      if (macro !== undefined && value === true) set(macro);
    }
  };
  for (const { file, below } of files) {
    for (const { pattern, states } of file.rules.toReversed()) {
      if (matchesRule(pattern, { path: below, isFolder: false }, effort)) set(states);
    }
  }
  return found;
}

function patternOf(line: string): { readonly pattern: string; readonly rest: string } {
  const quoted = line.startsWith('"') ? unquoteName(line) : undefined;
  if (quoted !== undefined) return { pattern: quoted.name, rest: quoted.rest };
  const { pattern = "", rest = "" } = /^\[attr\][ \t]*/u.test(line)
    ? (/^(?<pattern>\[attr\][ \t]*[^ \t\r]*)(?<rest>.*)$/su.exec(line)?.groups ?? {})
    : (/^(?<pattern>[^ \t\r]*)(?<rest>.*)$/su.exec(line)?.groups ?? {});
  return { pattern: pattern.replace(/^\[attr\][ \t]*/u, "[attr]"), rest };
}

/** Undefined where one is no attribute, which spoils the line. */
function statesOf(text: string): readonly Statement[] | undefined {
  const states: Statement[] = [];
  for (const word of text.split(/[ \t\r]+/u).filter((each) => each !== "")) {
    const sign = /^[-!]/u.exec(word)?.[0];
    const [name = "", ...value] = (sign === undefined ? word : word.slice(1)).split("=");
    if (!attributeName.test(name)) return undefined;
    if (sign !== undefined) states.push({ name, value: sign === "-" ? false : undefined });
    else states.push({ name, value: value.length === 0 ? true : value.join("=") });
  }
  return states;
}
