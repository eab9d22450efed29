// Owns how an error quotes two lines that should be equal, so that what differs can be seen. Never compares for a patch.
import { displayPath } from "../byte-path.js";

/** Lines as a person reads them, and as they are. */
export interface ShownLines {
  readonly expected: ShownLine;
  readonly actual: ShownLine;
  /** What the marks are; nothing where there are none. */
  readonly legend: string;
}

export interface ShownLine {
  /** In quotes, with marks. */
  readonly quoted: string;
  /** The same part of the line without them. */
  readonly text: string;
}

/** Characters of a line that are shown, and of those the ones before a difference that comes late. */
const shownCharacters = 200;
const shownBefore = 60;

/** Blanks but the ordinary one, controls, and what takes no room or no ink. */
const unseen = /[\p{Z}\p{C}\p{DI}\u2800]/u;
const whiteSpace = /[\p{Z}\p{C}]+/gu;
/** Blanks that a reader would not count: at the ends of a line, and several in a row. */
const easilyMissed = /^ +| +(?=[\r\n]*$)| {2,}/gu;
const notUtf8 =
  /((?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+)|[\x80-\xff]/gu;

/** Whether a line looks like this one: the same but for blanks, line ends and what cannot be seen. */
export function alikeTo(line: string): (other: string) => boolean {
  const look = folded(line);
  return (other) => folded(other) === look;
}

/** Lines of one character per byte (latin1). */
export function showLines(expected: string, actual: string): ShownLines {
  const pair = [Array.from(textOf(expected)), Array.from(textOf(actual))] as const;
  const differsAt = firstDifference(...pair);
  const from = differsAt < shownCharacters - shownBefore ? 0 : differsAt - shownBefore;
  const everyBlank = alikeTo(expected)(actual);
  const [one, other] = pair.map((line) => show({ line, from, differsAt, everyBlank }));
  const shown = { expected: one ?? nothing, actual: other ?? nothing };
  return { ...shown, legend: legendOf(shown.expected.quoted + shown.actual.quoted) };
}

/** One line by itself, or the begin of one. */
export function showLine(line: string): string {
  return show({ line: Array.from(textOf(line)), from: 0, differsAt: -1, everyBlank: false }).quoted;
}

const nothing: ShownLine = { quoted: '""', text: "" };

interface Line {
  /** Characters. */
  readonly line: readonly string[];
  /** The first that is shown. */
  readonly from: number;
  readonly differsAt: number;
  readonly everyBlank: boolean;
}

function show({ line, from, differsAt, everyBlank }: Line): ShownLine {
  const part = line.slice(from, from + shownCharacters);
  const text = part.join("");
  const missed = new Set(everyBlank ? part.keys() : missedBlanks(part));
  const marked = part.map((character, index) => {
    if (character === " ") return missed.has(index) ? "·" : character;
    // Letters, quotes and dashes that look like others.
    const isOther = from + index === differsAt && character > "\u007f" && !unseen.test(character);
    return isOther ? `${character}${numberOf(character)}` : mark(character);
  });
  const before = from > 0 ? "…" : "";
  const after = from + part.length < line.length ? "…" : "";
  return { quoted: `"${before}${marked.join("")}${after}"`, text };
}

/** Places of blanks that are marked in any case. */
function* missedBlanks(part: readonly string[]): Generator<number> {
  // One unit for each character, so that places are the same.
  const units = part.map((character) => (character.length === 1 ? character : "x")).join("");
  for (const { index, 0: run } of units.matchAll(easilyMissed))
    for (let at = 0; at < run.length; at += 1) yield index + at;
}

function mark(character: string): string {
  if (character === "\t") return "→";
  if (character === "\n") return String.raw`\n`;
  if (character === "\r") return String.raw`\r`;
  return unseen.test(character) ? numberOf(character) : character;
}

function numberOf(character: string): string {
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
}

function legendOf(quoted: string): string {
  const marks = [
    ...(quoted.includes("→") ? ["→ is a tab"] : []),
    ...(quoted.includes("·") ? ["· is a blank"] : []),
    ...(/<U\+[0-9A-F]{4,6}>/u.test(quoted) ? ["<U+…> is the character of that number"] : []),
    ...(/<0x[0-9A-F]{2}>/u.test(quoted) ? ["<0x…> is a byte that is not UTF-8"] : []),
  ];
  return marks.length === 0 ? "" : `Here ${marks.join(", ")}; write the characters, not these marks.`;
}

/** Bytes that are no text by their number: U+FFFD would make all of them alike. */
function textOf(line: string): string {
  return line.replaceAll(notUtf8, (bytes, text: string | undefined) =>
    text === undefined ? `<0x${bytes.charCodeAt(0).toString(16).toUpperCase()}>` : displayPath(text),
  );
}

function folded(line: string): string {
  return textOf(line).normalize("NFKC").replaceAll(new RegExp(unseen, "gu"), " ").replaceAll(whiteSpace, "");
}

function firstDifference(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((character, index) => other[index] !== character);
  return at === -1 ? one.length : at;
}
