// Proves that files stay small enough to read at once, say what they own, and are named after it. Functions are oxlint's matter.

import { basename } from "node:path";
import { expect, test } from "vitest";
import { sourceFiles } from "./checkout.js";

const MAX_LINES = 400;
const EMPTY_NAMES = /^(utils?|helpers?|common|misc|manager|types)(\.test)?\.[a-z]+$/;
const COMMENT = /^(\/\/|\/\*|#)\s*\S/;

const files = sourceFiles();

test(`no source file has more than ${MAX_LINES} lines`, () => {
  const long = files.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
  expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
});

test("a source file is named after what it owns", () => {
  expect(files.map(({ path }) => path).filter((path) => EMPTY_NAMES.test(basename(path)))).toEqual([]);
});

test("the first line of a source file says what it owns", () => {
  expect(files.filter(({ text }) => !COMMENT.test(firstLine(text))).map(({ path }) => path)).toEqual([]);
});

/** After a shebang, where there is one. */
function firstLine(text: string): string {
  const lines = text.split("\n");
  return (lines[0]?.startsWith("#!") === true ? lines[1] : lines[0]) ?? "";
}
