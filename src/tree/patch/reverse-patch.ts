// Owns the patch that undoes a patch. Never looks at files.
import type { FilePatch, Hunk, HunkLine } from "./patch-text.js";

const reversedActions = { add: "delete", delete: "add", modify: "modify", rename: "rename", copy: "copy" } as const;
const reversedSigns = { "+": "-", "-": "+", " ": " " } as const;

/** A copy and binary content have no way back that a patch alone knows; such a file fits nowhere. */
export function reversePatch(file: FilePatch): FilePatch {
  return {
    ...file,
    action: reversedActions[file.action],
    oldName: file.newName,
    newName: file.oldName,
    oldMode: file.newMode,
    newMode: file.oldMode,
    oldId: file.newId,
    newId: file.oldId,
    hunks: file.hunks.map(reverseHunk),
    mayAdd: false,
  };
}

function reverseHunk(hunk: Hunk): Hunk {
  return { ...hunk, oldStart: hunk.newStart, newStart: hunk.oldStart, lines: hunk.lines.map(reverseLine) };
}

function reverseLine({ sign, text }: HunkLine): HunkLine {
  return { sign: reversedSigns[sign], text };
}
