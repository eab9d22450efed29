// Owns the header lines of one file in git's format. Never reads hunks.
import { displayPath } from "../byte-path.js";
import { type FileNames, parseGitLine, parseName, stripPrefixes } from "./name-lines.js";
import { type PatchLines, damagedPatch } from "./patch-lines.js";
import type { FilePatch } from "./patch-text.js";

export type GitHeaders = Pick<FilePatch, "action" | "oldMode" | "newMode" | "oldId" | "newId"> & FileNames;

interface Draft {
  action: FilePatch["action"];
  from?: string | undefined;
  to?: string | undefined;
  oldMode?: number;
  newMode?: number;
  oldId: string;
  newId: string;
  marks?: FileNames;
}

type Reader = (draft: Draft, value: string, line: number) => void;

const readers: readonly (readonly [prefix: string, read: Reader])[] = [
  ["old mode ", (draft, value, line) => void (draft.oldMode = parseMode(value, line))],
  ["new mode ", (draft, value, line) => void (draft.newMode = parseMode(value, line))],
  [
    "deleted file mode ",
    (draft, value, line) => void Object.assign(draft, { action: "delete", oldMode: parseMode(value, line) }),
  ],
  [
    "new file mode ",
    (draft, value, line) => void Object.assign(draft, { action: "add", newMode: parseMode(value, line) }),
  ],
  ["copy from ", (draft, value, line) => void Object.assign(draft, { action: "copy", from: parseName(value, line) })],
  ["copy to ", (draft, value, line) => void Object.assign(draft, { action: "copy", to: parseName(value, line) })],
  [
    "rename from ",
    (draft, value, line) => void Object.assign(draft, { action: "rename", from: parseName(value, line) }),
  ],
  ["rename to ", (draft, value, line) => void Object.assign(draft, { action: "rename", to: parseName(value, line) })],
  [
    "rename old ",
    (draft, value, line) => void Object.assign(draft, { action: "rename", from: parseName(value, line) }),
  ],
  ["rename new ", (draft, value, line) => void Object.assign(draft, { action: "rename", to: parseName(value, line) })],
  ["similarity index ", () => undefined],
  ["dissimilarity index ", () => undefined],
  ["index ", readIndex],
];

/** Whether a line right behind `diff --git` or its like is one of its headers. */
export function isGitHeader(line: string): boolean {
  return readers.some(([prefix]) => line.startsWith(prefix));
}

/** From `diff --git` up to the first hunk, the binary part or the next file. */
export function parseGitHeaders(lines: PatchLines): GitHeaders {
  const atLine = lines.number;
  const shared = parseGitLine(lines.next() ?? "");
  const draft: Draft = { action: "modify", oldId: "", newId: "" };
  for (let line = lines.peek(); line !== undefined; line = lines.peek()) {
    if (line.startsWith("--- ") && lines.peek(1)?.startsWith("+++ ") === true) {
      draft.marks = readMarks(lines);
      break;
    }
    const reader = readers.find(([prefix]) => line.startsWith(prefix));
    if (reader === undefined) break;
    reader[1](draft, line.slice(reader[0].length).replace(/\r$/u, ""), lines.number);
    lines.next();
  }
  return resolve(draft, shared, atLine);
}

function readMarks(lines: PatchLines): FileNames {
  const line = lines.number;
  const oldName = parseName((lines.next() ?? "").slice(4), line);
  const newName = parseName((lines.next() ?? "").slice(4), line + 1);
  return stripPrefixes({ oldName, newName });
}

function resolve(draft: Draft, shared: FileNames | undefined, atLine: number): GitHeaders {
  const { oldMode, newMode, oldId, newId, marks } = draft;
  const action = draft.action !== "modify" || marks === undefined ? draft.action : actionOf(marks);
  for (const [mark, name] of [
    [marks?.oldName, shared?.oldName],
    [marks?.newName, shared?.newName],
  ]) {
    if (mark !== undefined && name !== undefined && mark !== name && !mark.endsWith(`/${name}`)) {
      throw damagedPatch(atLine, `its lines name two files, ${displayPath(name)} and ${displayPath(mark)}`);
    }
  }
  // The first line knows both sides, so it tells prefixes better than a mark beside /dev/null.
  const named = {
    from: draft.from ?? shared?.oldName ?? marks?.oldName,
    to: draft.to ?? shared?.newName ?? marks?.newName,
  };
  const oldName = action === "add" ? undefined : named.from;
  const newName = action === "delete" ? undefined : named.to;
  if ((oldName === undefined && action !== "add") || (newName === undefined && action !== "delete")) {
    throw damagedPatch(atLine, "the header does not say which file it is");
  }
  // As git has it, two names without a word of renaming move the file all the same.
  if (action === "modify" && oldName !== newName) {
    return {
      action: "rename",
      oldName,
      newName,
      oldMode,
      newMode,
      oldId,
      newId,
      rivalName: undefined,
      fallbackNames: [],
    };
  }
  const isMove = action === "rename" || action === "copy";
  const rivalName = isMove ? undefined : (shared ?? marks)?.rivalName;
  return { action, oldName, newName, oldMode, newMode, oldId, newId, rivalName, fallbackNames: [] };
}

function actionOf({ oldName, newName }: FileNames): FilePatch["action"] {
  if (oldName === undefined) return "add";
  return newName === undefined ? "delete" : "modify";
}

function parseMode(text: string, line: number): number {
  const mode = /^[0-7]{6}\s*$/u.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  const type = mode & 0o170000;
  if (type === 0o100000 || mode === 0o120000) return mode;
  const what = type === 0o160000 ? "a submodule" : `the mode ${JSON.stringify(text.trim())}`;
  throw damagedPatch(line, `${what} is not supported; files (100644, 100755) and symbolic links (120000) are`);
}

function readIndex(draft: Draft, value: string, line: number): void {
  const match = /^([0-9a-f]+)\.\.([0-9a-f]+)(?: (\d{6}))?\s*$/u.exec(value);
  if (match === null) return;
  draft.oldId = match[1] ?? "";
  draft.newId = match[2] ?? "";
  if (match[3] !== undefined && draft.oldMode === undefined) draft.oldMode = parseMode(match[3], line);
}
