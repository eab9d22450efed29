// Owns reading a patch, or a part of it: git's format and plain unified diffs, with whatever prose stands between. Never looks at the files it is for.
import { displayPath } from "../byte-path.js";
import { parseBinary } from "./binary-change.js";
import { type GitHeaders, parseGitHeaders } from "./git-headers.js";
import { PatchLines, damagedPatch } from "./patch-lines.js";
import type { FilePatch, Hunk } from "./patch-text.js";
import { isPlainStart, parsePlainHeader } from "./plain-names.js";
import { isHunkStart, parseHunk } from "./parse-hunk.js";

/** The files of a part of a patch that begins at line `atLine` of it: one, unless what tells parts apart was mistaken. */
export function parsePart(text: Buffer, atLine: number): FilePatch[] {
  const lines = new PatchLines(text.toString("latin1"), atLine);
  const files: FilePatch[] = [];
  for (let line = lines.peek(); line !== undefined; line = lines.peek()) {
    if (line.startsWith("diff --git ")) files.push(parseGitFile(lines));
    else if (isPlainStart(lines)) files.push(parsePlainFile(lines));
    else if (isHunkStart(line)) throw damagedPatch(lines.number, "a hunk comes before any file name");
    else lines.next();
  }
  return files;
}

function parseGitFile(lines: PatchLines): FilePatch {
  const atLine = lines.number;
  const headers = parseGitHeaders(lines);
  const hunks = parseHunks(lines);
  const binary = parseBinary(lines);
  const { action, oldName, newName } = headers;
  if (hunks.length > 0 && action === "add" && hunks.some((hunk) => hunk.lines.some((line) => line.sign !== "+"))) {
    throw damagedPatch(atLine, "a new file has old lines");
  }
  if (hunks.length === 0 && binary === undefined && isIdle(headers)) {
    throw damagedPatch(
      atLine,
      `nothing is said of ${displayPath(newName ?? oldName ?? "")}: no hunk, no mode, no rename`,
    );
  }
  return { ...headers, atLine, hunks, binary, mayAdd: false };
}

function isIdle({ action, oldMode, newMode }: GitHeaders): boolean {
  return action === "modify" && (newMode === undefined || oldMode === newMode);
}

function parsePlainFile(lines: PatchLines): FilePatch {
  const atLine = lines.number;
  const { isNew, ...header } = parsePlainHeader(lines);
  const hunks = parseHunks(lines);
  const onlyAdds = hunks.length === 1 && hunks[0]?.lines.every(({ sign }) => sign === "+") === true;
  if ((header.action === "add" || isNew) && !onlyAdds) throw damagedPatch(atLine, "a new file has old lines");
  const mayAdd = header.action === "modify" && onlyAdds;
  const unknown = { oldMode: undefined, newMode: undefined, binary: undefined, oldId: "", newId: "" };
  return { atLine, ...header, hunks, mayAdd, ...unknown };
}

function parseHunks(lines: PatchLines): Hunk[] {
  const hunks: Hunk[] = [];
  for (let line = lines.peek(); line !== undefined && isHunkStart(line); line = lines.peek())
    hunks.push(parseHunk(lines));
  const stray = lines.peek();
  // More lines than the header counted: git drops them silently, we do not. "-- " starts a mail's signature.
  if (hunks.length > 0 && stray !== undefined && /^[ +-]/u.test(stray) && !/^--(?:- |\s*$)/u.test(stray)) {
    throw damagedPatch(lines.number, "the hunk has more lines than its @@ header counts");
  }
  return hunks;
}
