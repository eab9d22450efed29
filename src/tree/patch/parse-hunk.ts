// Owns reading one hunk, whose header counts its lines. Never fits it to a file.
import { type PatchLines, damagedPatch } from "./patch-lines.js";
import type { Hunk, HunkLine } from "./patch-text.js";
import { showLine } from "./show-lines.js";

/** Bytes of a damaged line that are shown. */
const shownOfLine = 60;

const header = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/u;

export function isHunkStart(line: string): boolean {
  return line.startsWith("@@ -");
}

/** Lines of either side that the header counts; none where it is malformed. */
export function hunkCounts(line: string): { readonly old: number; readonly new: number } {
  const match = header.exec(line);
  return match === null ? { old: 0, new: 0 } : { old: Number(match[2] ?? 1), new: Number(match[4] ?? 1) };
}

export function parseHunk(lines: PatchLines): Hunk {
  const atLine = lines.number;
  const match = header.exec(lines.next() ?? "");
  if (match === null) throw damagedPatch(atLine, "the @@ header is malformed");
  const [oldStart, newStart] = [Number(match[1]), Number(match[3])];
  const left = { old: Number(match[2] ?? 1), new: Number(match[4] ?? 1) };
  const body: HunkLine[] = [];
  while (left.old > 0 || left.new > 0) {
    const { sign, text } = parseLine(lines, atLine);
    if ((sign !== "+" && left.old === 0) || (sign !== "-" && left.new === 0)) {
      throw damagedPatch(lines.number - 1, "the hunk has other lines than its @@ header counts");
    }
    if (sign !== "+") left.old -= 1;
    if (sign !== "-") left.new -= 1;
    body.push(takeLineEnd(lines, { sign, text }));
  }
  if (!body.some((line) => line.sign !== " ")) throw damagedPatch(atLine, "the hunk changes nothing");
  return { oldStart, newStart, lines: body, atLine };
}

function parseLine(lines: PatchLines, atLine: number): HunkLine {
  const line = lines.next();
  if (line === undefined) throw damagedPatch(atLine, "the hunk ends before all the lines that its @@ header counts");
  // Some programs strip the space of an empty line.
  if (line === "" || line === "\r") return { sign: " ", text: `${line}\n` };
  const sign = line.charAt(0);
  if (sign !== " " && sign !== "-" && sign !== "+") {
    const begin = showLine(line.slice(0, shownOfLine));
    throw damagedPatch(lines.number - 1, `a line of a hunk starts with none of space, -, + and \\: ${begin}`);
  }
  return { sign, text: `${line.slice(1)}\n` };
}

/** `\ No newline at end of file`, in whatever language, belongs to the line before it. */
function takeLineEnd(lines: PatchLines, line: HunkLine): HunkLine {
  if (lines.peek()?.startsWith("\\ ") !== true) return line;
  lines.next();
  return { ...line, text: line.text.slice(0, -1) };
}
