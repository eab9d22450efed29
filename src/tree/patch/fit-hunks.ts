// Owns fitting hunks into a text: exact context, at the stated line or at the only other place where it fits. Never fuzzy.
import { PyroError } from "../../base/error.js";
import { displayPath } from "../byte-path.js";
import type { Hunk } from "./patch-text.js";
import { alikeTo, showLine, showLines } from "./show-lines.js";

const maxPlacesShown = 5;

/**
 * The text after all hunks. As with `git apply`, a hunk that starts at line 1 must fit at the start, and one without
 * context after its last change at the end. Unlike it, a hunk that fits at several other places is refused.
 */
export function fitHunks(name: string, content: string, hunks: readonly Hunk[]): string {
  const lines = splitLines(content);
  /** Lines before this one are done: hunks stand in order and do not overlap. */
  let from = 0;
  for (const [index, hunk] of hunks.entries()) {
    const wanted = hunk.lines.filter((line) => line.sign !== "+").map((line) => line.text);
    const at = findPlace({ name, lines, hunk, wanted, from, number: index + 1 });
    const replaced = hunk.lines.filter((line) => line.sign !== "-").map((line) => line.text);
    splice(lines, { at, remove: wanted.length, insert: replaced });
    from = at + replaced.length;
  }
  checkLineEnds(name, lines);
  return lines.join("");
}

interface Search {
  readonly name: string;
  readonly lines: readonly string[];
  readonly hunk: Hunk;
  readonly wanted: readonly string[];
  readonly from: number;
  /** Of the hunk in its file, from 1. */
  readonly number: number;
}

function findPlace(search: Search): number {
  const { lines, hunk, wanted, from } = search;
  const atStart = hunk.oldStart <= 1;
  const atEnd = hunk.lines.at(-1)?.sign !== " ";
  const last = lines.length - wanted.length;
  const isPlace = (at: number): boolean =>
    at >= from && at <= last && !(atStart && at !== 0) && !(atEnd && at !== last) && matches(lines, wanted, at);
  const stated = Math.max(0, hunk.newStart - 1);
  if (isPlace(stated)) return stated;
  const places: number[] = [];
  for (let at = from; at <= last && places.length <= maxPlacesShown; at += 1) if (isPlace(at)) places.push(at);
  if (places.length > 1) throw ambiguous(search, places);
  return places[0] ?? fail(search, { stated, atStart, atEnd });
}

function matches(lines: readonly string[], wanted: readonly string[], at: number): boolean {
  return wanted.every((line, index) => lines[at + index] === line);
}

/** Says what stands where the hunk comes nearest to fitting. */
function fail(search: Search, { stated, atStart, atEnd }: { stated: number; atStart: boolean; atEnd: boolean }): never {
  const { lines, wanted, hunk } = search;
  const anywhere = lines.findIndex((_line, at) => matches(lines, wanted, at));
  if (anywhere !== -1 && wanted.length > 0) {
    const line = anywhere + 1;
    if (anywhere < search.from) throw refusal(search, { line, why: "it comes before the end of the hunk above it" });
    const why =
      atStart && anywhere !== 0
        ? `its header puts it at line 1, but its lines stand at line ${line}`
        : `it has no context after its last change, so it must end the file; its lines stand at line ${line} of ${lines.length}`;
    if (atStart || atEnd) throw refusal(search, { line, why });
  }
  if (wanted.length === 0) {
    throw refusal(search, { line: hunk.oldStart, why: "it has no context, so it fits an empty file only" });
  }
  const start = nearest(lines, wanted, stated);
  const wrong = wanted.findIndex((line, index) => lines[start + index] !== line);
  throw refusal(search, {
    line: start + wrong + 1,
    why: "the lines differ",
    expected: wanted[wrong],
    actual: lines[start + wrong],
  });
}

/** The stated place, unless the first wanted line with something in it, or one that looks like it, stands elsewhere, nearest to it. */
function nearest(lines: readonly string[], wanted: readonly string[], stated: number): number {
  const offset = wanted.findIndex((line) => line.trim() !== "");
  const first = wanted[offset];
  if (first === undefined) return stated;
  const isSame = (line: string) => line === first;
  for (const fits of [isSame, alikeTo(first)]) {
    const places = lines.flatMap((line, at) => (at >= offset && fits(line) ? [at - offset] : []));
    const [best] = places.sort((left, right) => Math.abs(left - stated) - Math.abs(right - stated));
    if (best !== undefined) return best;
  }
  return stated;
}

interface Refusal {
  /** Of the file, from 1. */
  readonly line: number;
  readonly why: string;
  readonly expected?: string | undefined;
  readonly actual?: string | undefined;
}

function refusal(search: Search, { line, why, expected, actual }: Refusal): PyroError {
  const name = displayPath(search.name);
  const shown = quote(expected, actual);
  const lines = shown === undefined ? "" : `: the patch has ${shown.expected}, the file has ${shown.actual}`;
  return new PyroError(
    "failed_precondition",
    `Hunk ${search.number} does not fit ${name} at line ${line}: ${why}${lines}.`,
    {
      hint: [shown?.legend ?? "", hint(expected, actual)].filter((part) => part !== "").join(" "),
      details: {
        path: name,
        hunk: search.number,
        line,
        patch_line: search.hunk.atLine,
        ...shown?.texts,
      },
    },
  );
}

function ambiguous(search: Search, places: readonly number[]): PyroError {
  const all = places.map((at) => at + 1);
  const shown = all.slice(0, maxPlacesShown).join(", ") + (all.length > maxPlacesShown ? " and more" : "");
  const why = `it does not fit there, and fits at several other lines: ${shown}`;
  return refusal(search, { line: search.hunk.oldStart, why });
}

function hint(expected: string | undefined, actual: string | undefined): string {
  const ends = (text: string | undefined) => (text?.endsWith("\r\n") === true ? "CRLF" : "LF");
  if (expected === undefined || actual === undefined || !alikeTo(expected)(actual)) return readAgain;
  if (expected.trimEnd() === actual.trimEnd()) {
    if (ends(expected) !== ends(actual)) {
      return `The file's lines end with ${ends(actual)} and the patch's with ${ends(expected)}: make the patch with the file's line ends.`;
    }
    return "The lines differ in white space at their end, or in the file's last line end: read the file and make the patch again.";
  }
  return "The lines differ only in white space, or in characters that look alike or cannot be seen: copy the file's own, and call again. Nothing was changed.";
}

const readAgain =
  "Read the file as it is now, make the patch against that with three lines of context, and call again. Nothing was changed.";

function quote(expected: string | undefined, actual: string | undefined) {
  if (expected === undefined) return undefined;
  const shown = showLines(expected, actual ?? expected);
  const isMissing = actual === undefined;
  return {
    expected: isMissing ? showLine(expected) : shown.expected.quoted,
    actual: isMissing ? "no such line" : shown.actual.quoted,
    legend: shown.legend,
    texts: { expected: shown.expected.text, actual: isMissing ? null : shown.actual.text },
  };
}

/** Only the last line may be without an end. */
function checkLineEnds(name: string, lines: readonly string[]): void {
  const open = lines.findIndex((line, index) => index < lines.length - 1 && !line.endsWith("\n"));
  if (open === -1) return;
  throw new PyroError(
    "failed_precondition",
    `The patch leaves line ${open + 1} of ${displayPath(name)} without a line end, but lines follow it.`,
    { details: { path: displayPath(name), line: open + 1 } },
  );
}

function splitLines(text: string): string[] {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  const whole = lines.map((line) => `${line}\n`);
  return last === "" ? whole : [...whole, last];
}

/** Array.splice takes its lines as arguments, of which the stack holds some 100,000. */
function splice(
  lines: string[],
  { at, remove, insert }: { at: number; remove: number; insert: readonly string[] },
): void {
  const rest = lines.slice(at + remove);
  lines.length = at;
  for (const line of insert) lines.push(line);
  for (const line of rest) lines.push(line);
}
