// Proves that an error of a patch shows what differs, however little of it a reader could see.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { asPyroError } from "../../../../src/base/error.js";
import { fitHunks } from "../../../../src/tree/patch/fit-hunks.js";
import { parsePart } from "../../../../src/tree/patch/parse-patch.js";
import { showLines } from "../../../../src/tree/patch/show-lines.js";

const latin1 = (text: string | Buffer) => Buffer.from(text as string).toString("latin1");

function refusalOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return asPyroError(error).toBody();
  }
}

function quoted(expected: string | Buffer, actual: string | Buffer): readonly string[] {
  const shown = showLines(latin1(expected), latin1(actual));
  return [shown.expected.quoted, shown.actual.quoted];
}

test.each([
  ["a tab and blanks", "\tx = 1\n", "    x = 1\n", String.raw`"→x·=·1\n"`, String.raw`"····x·=·1\n"`],
  ["a blank at the end", "x\n", "x \n", String.raw`"x\n"`, String.raw`"x·\n"`],
  ["a no-break space", "a b\n", "a\u{a0}b\n", String.raw`"a·b\n"`, String.raw`"a<U+00A0>b\n"`],
  ["a byte order mark", "a\n", "\u{feff}a\n", String.raw`"a\n"`, String.raw`"<U+FEFF>a\n"`],
  ["line ends", "a\n", "a\r\n", String.raw`"a\n"`, String.raw`"a\r\n"`],
  ["a line end that is not there", "a\n", "a", String.raw`"a\n"`, '"a"'],
  ["what takes no room", "ab\n", "a\u{200b}b\n", String.raw`"ab\n"`, String.raw`"a<U+200B>b\n"`],
  ["accents in one or in two", "\u{e9}\n", "e\u{301}\n", String.raw`"é<U+00E9>\n"`, '"e\u{301}\\n"'],
  ["letters that look alike", "a\n", "\u{430}\n", String.raw`"a\n"`, String.raw`"а<U+0430>\n"`],
  ["bytes of another encoding", "é\n", Buffer.from([0xe9, 0x0a]), String.raw`"é<U+00E9>\n"`, String.raw`"<0xE9>\n"`],
  ["two such bytes", Buffer.from([0xff]), Buffer.from([0xfe]), '"<0xFF>"', '"<0xFE>"'],
  [
    "what can be seen as it is",
    'say("a b");\n',
    'say("a c");\n',
    String.raw`"say("a b");\n"`,
    String.raw`"say("a c");\n"`,
  ],
  ["indentation also there", "\tone\n", "  two\n", String.raw`"→one\n"`, String.raw`"··two\n"`],
])("%s", (...[, expected, actual, one, other]) => {
  expect(quoted(expected, actual)).toEqual([one, other]);
});

test("a difference far behind in a long line is shown, with a part of what comes before", () => {
  const [one = "", other = ""] = quoted(
    `${"a".repeat(500)} b${"c".repeat(500)}\n`,
    `${"a".repeat(500)}\tb${"c".repeat(500)}\n`,
  );
  expect([one, other]).toEqual([
    `"…${"a".repeat(60)}·b${"c".repeat(138)}…"`,
    `"…${"a".repeat(60)}→b${"c".repeat(138)}…"`,
  ]);
});

test("no two lines that differ are quoted alike", () => {
  const unit = fc.constantFrom(
    " ",
    "\t",
    "\r",
    "a",
    "ä",
    "a\u{308}",
    "\u{a0}",
    "\u{200d}",
    "\u{feff}",
    "\u{3000}",
    "😀",
    "\ufe0f",
    "→",
  );
  const line = fc.oneof(
    fc.string({ unit, maxLength: 8 }).map(latin1),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => latin1(Buffer.from(bytes))),
  );
  fc.assert(
    fc.property(line, line, (one, other) => {
      fc.pre(one !== other);
      const shown = showLines(one, other);
      expect(shown.expected.quoted).not.toBe(shown.actual.quoted);
    }),
  );
});

test("the error stands at the line that looks like the patch's, and says what the marks are", () => {
  const patch = "--- a/f.py\n+++ b/f.py\n@@ -1,2 +1,2 @@\n \tif x:\n-\t\treturn 1\n+\t\treturn 2\n";
  const content = latin1("import os\n\ndef f():\n    if x:\n        return 1\n");
  const [file] = parsePart(Buffer.from(patch), 1);
  const refused = refusalOf(() => fitHunks("f.py", content, file?.hunks ?? []));
  expect(refused).toEqual({
    code: "failed_precondition",
    message: String.raw`Hunk 1 does not fit f.py at line 4: the lines differ: the patch has "→if·x:\n", the file has "····if·x:\n".`,
    hint:
      "Here → is a tab, · is a blank; write the characters, not these marks. The lines differ only in white space, or in " +
      "characters that look alike or cannot be seen: copy the file's own, and call again. Nothing was changed.",
    details: { path: "f.py", hunk: 1, line: 4, patch_line: 3, expected: "\tif x:\n", actual: "    if x:\n" },
  });
});

test("a line of a patch that begins with a blank of another kind is shown", () => {
  const patch = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n\u{a0}a\n-b\n+c\n";
  expect(() => parsePart(Buffer.from(patch), 1)).toThrow(
    'damaged at line 4: a line of a hunk starts with none of space, -, + and \\: "<U+00A0>a".',
  );
});
