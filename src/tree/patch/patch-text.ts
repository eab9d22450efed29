// Owns what a parsed patch is. Text of files and names is kept as bytes, one character each (latin1). Never holds what a file has now.

import type { FileNames } from "./name-lines.js";

export interface HunkLine {
  readonly sign: " " | "-" | "+";
  /** With its end, except a last line without one. */
  readonly text: string;
}

export interface Hunk {
  /** From 1, as in the header; 0 where the old side has no line. */
  readonly oldStart: number;
  readonly newStart: number;
  readonly lines: readonly HunkLine[];
  /** Line of the patch with its header, from 1. */
  readonly atLine: number;
}

export type BinaryChange =
  | { readonly kind: "literal"; readonly data: Buffer }
  /** git's delta against the old content. */
  | { readonly kind: "delta"; readonly data: Buffer };

/** What the patch does with one file. Names are as git reads them, a/ and b/ stripped, not checked. */
export interface FilePatch extends FileNames {
  /** Line of the patch where it starts, from 1. */
  readonly atLine: number;
  readonly action: "modify" | "add" | "delete" | "rename" | "copy";
  /** As in the headers, such as 0o100755. */
  readonly oldMode: number | undefined;
  readonly newMode: number | undefined;
  readonly hunks: readonly Hunk[];
  readonly binary: BinaryChange | undefined;
  /** The ids of the old and new blob, as far as the patch gives them. */
  readonly oldId: string;
  readonly newId: string;
  /** A plain diff from a file that may be there and empty, or may be missing. */
  readonly mayAdd: boolean;
}
