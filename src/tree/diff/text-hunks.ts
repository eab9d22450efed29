// Owns the unified hunks between two texts, in bounded time. Never decides whether a file is text.
import { diffArrays } from "diff";

const usualContext = 3;
/** Beyond any of these, what differs is one block: never wrong, only less fine. */
const maxComparedBytes = 1024 * 1024;
const maxComparedLines = 20_000;
const maxEdits = 4_000;
const maxMilliseconds = 1_000;
const newline = 0x0a;

interface Run {
  readonly sign: " " | "-" | "+";
  readonly lines: readonly string[];
}

/** The `@@` part of a patch from `old` to `now`, both UTF-8, with `context` lines around a change; empty when they are equal. */
export function textHunks(old: Buffer, now: Buffer, context = usualContext): string {
  if (old.equals(now)) return "";
  const start = commonStart(old, now);
  const end = commonEnd(old, now, start);
  const oldMiddle = old.subarray(start, old.length - end);
  const newMiddle = now.subarray(start, now.length - end);
  const before = lastLines(old.subarray(0, start), context);
  const after = firstLines(old.subarray(old.length - end), context);
  const runs: Run[] = [
    { sign: " ", lines: before },
    ...compareLines(oldMiddle, newMiddle),
    { sign: " ", lines: after },
  ];
  return formatHunks(runs, { skipped: countLines(old.subarray(0, start)) - before.length, context });
}

/** Bytes of equal lines at the start. */
function commonStart(old: Buffer, now: Buffer): number {
  const limit = Math.min(old.length, now.length);
  let at = 0;
  while (at < limit && old[at] === now[at]) at += 1;
  return at === 0 ? 0 : old.lastIndexOf(newline, at - 1) + 1;
}

/** Bytes of equal lines at the end, not counting the first `start` bytes. */
function commonEnd(old: Buffer, now: Buffer, start: number): number {
  const limit = Math.min(old.length, now.length) - start;
  let length = 0;
  while (length < limit && old[old.length - 1 - length] === now[now.length - 1 - length]) length += 1;
  const startsLine = (text: Buffer): boolean => {
    const at = text.length - length;
    return at === start || text[at - 1] === newline;
  };
  if (startsLine(old) && startsLine(now)) return length;
  const lineEnd = old.indexOf(newline, old.length - length);
  return length === 0 || lineEnd === -1 ? 0 : old.length - lineEnd - 1;
}

function compareLines(old: Buffer, now: Buffer): Run[] {
  const oldLines = splitLines(old);
  const newLines = splitLines(now);
  const block: Run[] = [
    { sign: "-", lines: oldLines },
    { sign: "+", lines: newLines },
  ];
  if (old.length + now.length > maxComparedBytes || oldLines.length + newLines.length > maxComparedLines) return block;
  const numbers = new Map<string, number>();
  const numbered = (line: string): number => {
    const number = numbers.get(line) ?? numbers.size;
    numbers.set(line, number);
    return number;
  };
  const limits = { maxEditLength: maxEdits, timeout: maxMilliseconds };
  const parts = diffArrays(oldLines.map(numbered), newLines.map(numbered), limits);
  if (parts === undefined) return block;
  let oldAt = 0;
  let newAt = 0;
  return parts.map(({ added, removed, count }): Run => {
    if (added) return { sign: "+", lines: newLines.slice(newAt, (newAt += count)) };
    const lines = oldLines.slice(oldAt, (oldAt += count));
    if (!removed) newAt += count;
    return { sign: removed ? "-" : " ", lines };
  });
}

/** Each line with its end; the last may have none. */
function splitLines(text: Buffer): string[] {
  const lines = text.toString("utf8").split("\n");
  const last = lines.pop() ?? "";
  const whole = lines.map((line) => `${line}\n`);
  return last === "" ? whole : [...whole, last];
}

function countLines(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(newline); at !== -1; at = text.indexOf(newline, at + 1)) count += 1;
  return count;
}

function lastLines(text: Buffer, wanted: number): string[] {
  let from = text.length;
  for (let count = 0; count < wanted && from > 0; count += 1) {
    from = from === 1 ? 0 : text.lastIndexOf(newline, from - 2) + 1;
  }
  return splitLines(text.subarray(from));
}

function firstLines(text: Buffer, wanted: number): string[] {
  let to = 0;
  for (let count = 0; count < wanted && to < text.length; count += 1) {
    const end = text.indexOf(newline, to);
    to = end === -1 ? text.length : end + 1;
  }
  return splitLines(text.subarray(0, to));
}

/** `skipped` lines stand before the first run. */
function formatHunks(
  runs: readonly Run[],
  { skipped, context }: { readonly skipped: number; readonly context: number },
): string {
  const lastChange = runs.findLastIndex((run) => run.sign !== " ");
  const output: string[] = [];
  let hunk = openHunk(skipped, skipped);
  let changed = false;
  for (const [index, { sign, lines }] of runs.entries()) {
    const more = index < lastChange;
    if (sign !== " " || (changed && more && lines.length <= context * 2)) {
      changed ||= sign !== " ";
      addLines(hunk, sign, lines);
      continue;
    }
    const head = changed ? lines.slice(0, context) : [];
    addLines(hunk, " ", head);
    if (changed) output.push(closeHunk(hunk));
    const tail = more ? lines.slice(Math.max(head.length, lines.length - context)) : [];
    const passed = lines.length - head.length - tail.length;
    hunk = openHunk(hunk.oldStart + hunk.oldCount + passed, hunk.newStart + hunk.newCount + passed);
    addLines(hunk, " ", tail);
    changed = false;
  }
  return output.join("");
}

interface Hunk {
  /** Lines before it. */
  readonly oldStart: number;
  readonly newStart: number;
  oldCount: number;
  newCount: number;
  readonly body: string[];
}

function openHunk(oldStart: number, newStart: number): Hunk {
  return { oldStart, newStart, oldCount: 0, newCount: 0, body: [] };
}

function addLines(hunk: Hunk, sign: Run["sign"], lines: readonly string[]): void {
  for (const line of lines) {
    hunk.body.push(line.endsWith("\n") ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`);
  }
  if (sign !== "+") hunk.oldCount += lines.length;
  if (sign !== "-") hunk.newCount += lines.length;
}

function closeHunk(hunk: Hunk): string {
  const range = (start: number, count: number): string =>
    count === 1 ? `${start + 1}` : `${count === 0 ? start : start + 1},${count}`;
  return `@@ -${range(hunk.oldStart, hunk.oldCount)} +${range(hunk.newStart, hunk.newCount)} @@\n${hunk.body.join("")}`;
}
