// Owns what a .gitignore says, as git reads it, in bounded time however it is written. Never looks for one.

/** Lines of one file that count, and bytes of it: whoever needs more gets less left out. */
const maxRules = 10_000;
export const maxIgnoreFileBytes = 512 * 1024;

/** Steps that all matching for one diff may take; without any, nothing matches any more. */
export interface Effort {
  left: number;
}

export interface IgnoreRule {
  /** `!`: takes back what an earlier rule said. */
  readonly negated: boolean;
  readonly folderOnly: boolean;
  /** Of the whole path below the file's folder; otherwise of the last name alone. */
  readonly anchored: boolean;
  readonly segments: readonly Segment[];
}

/** Any number of names, or what one name looks like. */
type Segment = typeof anyNames | readonly Token[];
const anyNames = "**";
/** Any characters, any one, this one, or one of a set. */
type Token = "*" | "?" | number | CharacterSet;

interface CharacterSet {
  readonly negated: boolean;
  readonly codes: ReadonlySet<number>;
}

/** `text` has one character per byte. */
export function parseIgnoreFile(text: string): readonly IgnoreRule[] {
  const withoutMark = text.startsWith("\u00ef\u00bb\u00bf") ? text.slice(3) : text;
  const lines = withoutMark.split("\n", maxRules);
  return lines.map((line) => parseRule(line.replace(/\r$/u, ""))).filter((rule) => rule !== undefined);
}

/** The last rule that speaks of a path decides: true, false, or undefined where none does. `path` is below the file's folder. */
export function isIgnoredBy(
  rules: readonly IgnoreRule[],
  { path, isFolder }: { readonly path: string; readonly isFolder: boolean },
  effort: Effort,
): boolean | undefined {
  const rule = rules.findLast((each) => matchesRule(each, { path, isFolder }, effort));
  return rule === undefined ? undefined : !rule.negated;
}

/** Whether it speaks of a path, whatever it says. */
export function matchesRule(
  { folderOnly, anchored, segments }: IgnoreRule,
  { path, isFolder }: { readonly path: string; readonly isFolder: boolean },
  effort: Effort,
): boolean {
  if (folderOnly && !isFolder) return false;
  const names = anchored ? path.split("/") : [path.slice(path.lastIndexOf("/") + 1)];
  return matchesNames(segments, names, effort);
}

function parseRule(line: string): IgnoreRule | undefined {
  const text = withoutTrailingSpaces(line);
  return text === "" || text.startsWith("#") ? undefined : parsePattern(text);
}

/** Undefined for a pattern that can match nothing. */
export function parsePattern(text: string): IgnoreRule | undefined {
  const negated = text.startsWith("!");
  const pattern = negated ? text.slice(1) : text;
  const folderOnly = pattern.endsWith("/");
  const body = folderOnly ? pattern.slice(0, -1) : pattern;
  const segments = parseSegments(body.replace(/^\//u, ""), body.includes("/"));
  return segments === undefined ? undefined : { negated, folderOnly, anchored: body.includes("/"), segments };
}

/** A space counts where a backslash stands before it. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === " ") end -= 1;
  let slashes = 0;
  while (end > slashes && line[end - 1 - slashes] === "\\") slashes += 1;
  return end < line.length && slashes % 2 === 1 ? line.slice(0, end + 1) : line.slice(0, end);
}

/** Undefined for a pattern that can match nothing. */
function parseSegments(body: string, anchored: boolean): readonly Segment[] | undefined {
  const parts = parseParts(body);
  if (body === "" || parts === undefined) return undefined;
  const isAnyNames = (part: readonly Token[]) => anchored && part.length > 1 && part.every((token) => token === "*");
  const segments = parts.map((part): Segment => (isAnyNames(part) ? anyNames : part));
  // At the end it stands for what is in a folder, not for the folder.
  return segments.at(-1) === anyNames ? [...segments, ["*"]] : segments;
}

/** What stands between slashes; one in brackets is none. */
function parseParts(text: string): readonly (readonly Token[])[] | undefined {
  let part: Token[] = [];
  const parts = [part];
  for (let at = 0; at < text.length; at += 1) {
    const isSet = text.charAt(at) === "[";
    const isEscaped = text.charAt(at) === "\\";
    if (isEscaped) at += 1;
    const character = text.charAt(at);
    if (character === "") return undefined;
    if (character === "/") parts.push((part = []));
    else if (isSet) {
      const parsed = parseSet(text, at + 1);
      if (parsed === undefined) return undefined;
      part.push(parsed.set);
      at = parsed.end;
    } else if (!isEscaped && (character === "*" || character === "?")) part.push(character);
    else part.push(text.charCodeAt(at));
  }
  return parts;
}

const namedSets: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/u,
  alpha: /[A-Za-z]/u,
  blank: /[ \t]/u,
  cntrl: /[\0-\u001f\u007f]/u,
  digit: /[0-9]/u,
  graph: /[!-~]/u,
  lower: /[a-z]/u,
  print: /[ -~]/u,
  punct: /[!-/:-@[-`{-~]/u,
  space: /[ \t-\r]/u,
  upper: /[A-Z]/u,
  xdigit: /[0-9A-Fa-f]/u,
};

/** What stands between the brackets; undefined when they do not close, or name a set that there is not. */
function parseSet(text: string, from: number): { readonly set: CharacterSet; readonly end: number } | undefined {
  const negated = text[from] === "!" || text[from] === "^";
  const codes = new Set<number>();
  const first = negated ? from + 1 : from;
  /** NaN after a range or a named set: a "-" then stands for itself. */
  let previous = Number.NaN;
  for (let at = first; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "]" && at > first) return { set: { negated, codes }, end: at };
    const nameEnd = text.startsWith("[:", at) ? text.indexOf("]", at + 2) : -1;
    const isNamed = nameEnd > at + 2 && text.charAt(nameEnd - 1) === ":";
    const isRange = character === "-" && !Number.isNaN(previous) && at + 1 < text.length && text.charAt(at + 1) !== "]";
    if (isNamed) {
      const wanted = namedSets[text.slice(at + 2, nameEnd - 1)];
      if (wanted === undefined) return undefined;
      for (let code = 0; code < 128; code += 1) if (wanted.test(String.fromCharCode(code))) codes.add(code);
      at = nameEnd;
      previous = Number.NaN;
      continue;
    }
    if (isRange) at += 1;
    if (text.charAt(at) === "\\") at += 1;
    if (at === text.length) return undefined;
    const code = text.charCodeAt(at);
    if (isRange) for (let each = previous; each <= code; each += 1) codes.add(each);
    else codes.add(code);
    previous = isRange ? Number.NaN : code;
  }
  return undefined;
}

function matchesNames(segments: readonly Segment[], names: readonly string[], effort: Effort): boolean {
  return takesAll(segments, names.length, {
    isStar: (segment) => segment === anyNames,
    takes: (segment, index) => segment !== anyNames && matchesName(segment, names[index] ?? "", effort),
    effort,
  });
}

function matchesName(tokens: readonly Token[], text: string, effort: Effort): boolean {
  return takesAll(tokens, text.length, {
    isStar: (token) => token === "*",
    takes: (token, index) => token !== "*" && takes(token, text.charCodeAt(index)),
    effort,
  });
}

interface Matching<Step> {
  /** Takes any number of things. */
  readonly isStar: (step: Step) => boolean;
  readonly takes: (step: Step, index: number) => boolean;
  readonly effort: Effort;
}

/** Goes back only to the last star, which is enough: an earlier one could take no better part. */
function takesAll<Step>(
  steps: readonly Step[],
  count: number,
  { isStar, takes: takesOne, effort }: Matching<Step>,
): boolean {
  let [at, index, star, starIndex] = [0, 0, -1, 0];
  while (index < count) {
    effort.left -= 1;
    if (effort.left <= 0) return false;
    const step = steps[at];
    if (step !== undefined && isStar(step)) {
      star = at;
      at += 1;
      starIndex = index;
    } else if (step !== undefined && takesOne(step, index)) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      starIndex += 1;
      index = starIndex;
    } else return false;
  }
  return steps.slice(at).every(isStar);
}

function takes(token: Exclude<Token, "*">, code: number): boolean {
  if (token === "?") return true;
  return typeof token === "number" ? token === code : token.codes.has(code) !== token.negated;
}
