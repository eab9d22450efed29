// Proves what is taken as a patch, where it may reach, and that a refusal names the file, the hunk and the lines that differ.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { planPatch } from "../../../../src/tree/patch/plan.js";
import { snapshotTree } from "../diff/overlay.js";
import { carryOut, folderFiles } from "./folder.js";

const signal = new AbortController().signal;
const numbers = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pyro-patch-test-"));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "src/a.txt"), numbers);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function apply(patch: string): Promise<Record<string, string>> {
  carryOut(root, await planPatch(folderFiles(root), patch, signal));
  return snapshotTree(root);
}

async function refused(patch: string): Promise<{ code: string; message: string; hint: string; details: unknown }> {
  const before = snapshotTree(root);
  const error = await planPatch(folderFiles(root), patch, signal).catch((caught: unknown) => caught);
  if (!(error instanceof PyroError)) throw new Error("the patch was accepted", { cause: error });
  expect(snapshotTree(root)).toStrictEqual(before);
  const { code, message, hint, details } = error;
  return { code, message, hint, details };
}

/** A one-hunk patch of src/a.txt. */
function hunkOf(header: string, ...lines: string[]): string {
  return `--- a/src/a.txt\n+++ b/src/a.txt\n@@ ${header} @@\n${lines.map((line) => `${line}\n`).join("")}`;
}

describe("forms", () => {
  const change = ["@@ -1,3 +1,3 @@", " one", "-two", "+TWO", " three", ""].join("\n");
  const forms: Record<string, string> = {
    git: "diff --git a/src/a.txt b/src/a.txt\nindex 1..2 100644\n--- a/src/a.txt\n+++ b/src/a.txt\n",
    "git without prefixes": "diff --git src/a.txt src/a.txt\n--- src/a.txt\n+++ src/a.txt\n",
    "git with mnemonic prefixes": "diff --git i/src/a.txt w/src/a.txt\n--- i/src/a.txt\n+++ w/src/a.txt\n",
    plain: "--- a/src/a.txt\n+++ b/src/a.txt\n",
    "plain with timestamps": "--- src/a.txt\t2024-01-01 10:00:00.0 +0000\n+++ src/a.txt\t2024-01-02 10:00:00.0 +0000\n",
    "diff -r of two folders":
      "diff -ru old/src/a.txt new/src/a.txt\n--- old/src/a.txt\t2024\n+++ new/src/a.txt\t2024\n",
    "with prose and a mail around it": "Hello,\nthis helps:\n\n--- a/src/a.txt\n+++ b/src/a.txt\n",
    quoted: '--- "a/src/\\141.txt"\n+++ "b/src/a.txt"\n',
  };
  for (const [name, header] of Object.entries(forms)) {
    test(`taken: ${name}`, async () => {
      expect(await apply(`${header}${change}-- \n2.39.5\n`)).toStrictEqual({
        "src/a.txt": `plain ${numbers.replace("two", "TWO")}`,
      });
    });
  }

  test("new, deleted, renamed, copied, mode and links in one patch", async () => {
    const patch = `diff --git a/src/a.txt b/lib/b.txt
similarity index 90%
rename from src/a.txt
rename to lib/b.txt
--- a/src/a.txt
+++ b/lib/b.txt
@@ -6,2 +6,2 @@ five
 six
-seven
+SEVEN
diff --git a/new b/new
new file mode 100755
--- /dev/null
+++ b/new
@@ -0,0 +1 @@
+#!/bin/sh
\\ No newline at end of file
diff --git a/link b/link
new file mode 120000
--- /dev/null
+++ b/link
@@ -0,0 +1 @@
+lib/b.txt
\\ No newline at end of file
diff --git a/copy b/copy
new file mode 100644
diff --git a/src/a.txt b/second
copy from src/a.txt
copy to second
`;
    expect(await apply(patch)).toStrictEqual({
      "lib/b.txt": `plain ${numbers.replace("seven", "SEVEN")}`,
      copy: "plain ",
      link: "link lib/b.txt",
      new: "executable #!/bin/sh",
      second: `plain ${numbers}`,
    });
  });

  test("a file keeps the permissions that git does not know", async () => {
    const { writes } = await planPatch(
      {
        ...folderFiles(root),
        lookup: async (path) => ({ kind: path.toString() === "src" ? "directory" : "file", mode: 0o640, size: 1 }),
      },
      hunkOf("-1,2 +1,2", "-one", "+ONE", " two"),
      signal,
    );
    expect(writes.map(({ mode }) => mode)).toStrictEqual([0o640]);
  });
});

describe("strict context", () => {
  test("fits elsewhere when there is one such place only", async () => {
    writeFileSync(join(root, "src/a.txt"), `zero\nzero\n${numbers}`);
    expect(await apply(hunkOf("-2,3 +2,3", " two", "-three", "+3", " four"))).toMatchObject({
      "src/a.txt": `plain zero\nzero\n${numbers.replace("three", "3")}`,
    });
    writeFileSync(join(root, "src/a.txt"), `x\n${numbers}${numbers}`);
    expect(await refused(hunkOf("-2,3 +2,3", " two", "-three", "+3", " four"))).toMatchObject({
      code: "failed_precondition",
      message:
        "Hunk 1 does not fit src/a.txt at line 2: it does not fit there, and fits at several other lines: 3, 10.",
    });
  });

  test("the refusal names file, hunk, line, and both texts", async () => {
    const second = "@@ -5,3 +5,3 @@\n five\n-SIX\n+6\n seven\n";
    expect(await refused(`${hunkOf("-1,3 +1,3", " one", "-two", "+2", " three")}${second}`)).toStrictEqual({
      code: "failed_precondition",
      message:
        'Hunk 2 does not fit src/a.txt at line 6: the lines differ: the patch has "SIX\\n", the file has "six\\n".',
      hint: "Read the file as it is now, make the patch against that with three lines of context, and call again. Nothing was changed.",
      details: { path: "src/a.txt", hunk: 2, line: 6, patch_line: 8, expected: "SIX\n", actual: "six\n" },
    });
  });

  test("line ends and missing line ends count", async () => {
    writeFileSync(join(root, "src/a.txt"), numbers.replaceAll("\n", "\r\n"));
    expect((await refused(hunkOf("-1,3 +1,3", " one", "-two", "+2", " three"))).hint).toMatch(
      /CRLF and the patch's with LF/u,
    );
    expect(await apply(hunkOf("-1,3 +1,3", " one\r", "-two\r", "+2\r", " three\r"))).toMatchObject({
      "src/a.txt": `plain ${numbers.replace("two", "2").replaceAll("\n", "\r\n")}`,
    });
    writeFileSync(join(root, "src/a.txt"), "one\ntwo");
    expect((await refused(hunkOf("-1,2 +1,2", " one", "-two", "+2"))).message).toMatch(/the file has "two"\.$/u);
  });

  test("a hunk without context after its change must end the file, and says so", async () => {
    const { message } = await refused(hunkOf("-2,2 +2,2", " two", "-three", "+3"));
    expect(message).toBe(
      "Hunk 1 does not fit src/a.txt at line 2: it has no context after its last change, so it must end the file; its lines stand at line 2 of 7.",
    );
  });

  test("what is not there, is there already, or would be left half deleted", async () => {
    expect(await refused("--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n")).toMatchObject({
      message: "The patch is for none, which is not there.",
    });
    expect(await refused("--- /dev/null\n+++ b/src/a.txt\n@@ -0,0 +1 @@\n+b\n")).toMatchObject({
      message: "The patch adds src/a.txt, which is already there.",
    });
    expect(await refused("--- a/src/a.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n")).toMatchObject({
      code: "failed_precondition",
    });
  });
});

describe("confined", () => {
  const add = (name: string): string => `--- /dev/null\n+++ ${name}\n@@ -0,0 +1 @@\n+x\n`;
  for (const name of [
    "/etc/passwd",
    "b/../x",
    "b/a/../../x",
    "b/.git/config",
    "b/sub/.git/hooks/x",
    "b/.GIT/config",
    '"b/a\\000b"',
    "b/",
  ]) {
    test(`refused: ${name}`, async () => {
      expect(await refused(add(name))).toMatchObject({ code: "invalid_argument" });
    });
  }

  test("not through a link, one made by the same patch included, nor below a file", async () => {
    symlinkSync("/tmp", join(root, "out"));
    expect(await refused(add("b/out/x"))).toMatchObject({ message: "The patch names out/x, but out is no folder." });
    const link =
      "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/tmp\n\\ No newline at end of file\n";
    expect(await refused(`${link}${add("b/l/x")}`)).toMatchObject({
      message: "The patch names l/x, but l is no folder.",
    });
    expect(await refused(`${add("b/l/x")}${link}`)).toMatchObject({
      message: "The patch names l/x, but l is no folder.",
    });
    expect(await refused(add("b/src/a.txt/x"))).toMatchObject({
      message: "The patch names src/a.txt/x, but src/a.txt is no folder.",
    });
  });
});

describe("damaged patches", () => {
  const cases: Record<string, [patch: string, message: RegExp]> = {
    empty: ["", /names no file/u],
    prose: ["please fix it\n", /names no file/u],
    "hunk without a file": ["@@ -1 +1 @@\n-a\n+b\n", /line 1: a hunk comes before any file name/u],
    "too few lines": [hunkOf("-1,3 +1,3", " one", "-two"), /line 3: the hunk ends before/u],
    "too many lines": [hunkOf("-1,2 +1,2", " one", "-two", "+2", " three"), /line 7: the hunk has more lines/u],
    "no change": [hunkOf("-1 +1", " one"), /changes nothing/u],
    "a line of no kind": [hunkOf("-1,2 +1,2", " one", "two", "+2"), /line 5: a line of a hunk starts with none/u],
    "binary files differ": ["diff --git a/x b/x\nindex 1..2\nBinary files a/x and b/x differ\n", /git diff --binary/u],
    submodule: ["diff --git a/s b/s\nnew file mode 160000\n", /a submodule is not supported/u],
    "bomb of zeros": [
      "diff --git a/x b/x\nnew file mode 100644\nindex 0..1\nGIT binary patch\nliteral 99999999999\nzcmeIu\n\n",
      /binary content of 99999999999 bytes/u,
    ],
  };
  for (const [name, [patch, message]] of Object.entries(cases)) {
    test(`refused: ${name}`, async () => {
      expect(await refused(patch)).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
    });
  }

  test("any text at all is taken or refused, never a crash", async () => {
    const piece = fc.constantFrom(
      "diff --git ",
      "--- ",
      "+++ ",
      "a/x",
      "b/x",
      "@@ -1 +1 @@",
      "@@ -0,0 +1,2 @@",
      "\n",
      "+",
      "-",
      " ",
      "\\ No",
      "GIT binary patch",
      "delta 5",
      "literal 3",
      "zc$",
      "rename from ",
      "rename to ",
      "new file mode 100644",
      "old mode 120000",
      "index 0..1",
      '"',
      "\\377",
      "\t",
      "/dev/null",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 60 }), async (pieces) => {
        const error = await planPatch(folderFiles(root), pieces.join(""), signal).catch((caught: unknown) => caught);
        expect(error instanceof Error && !(error instanceof PyroError)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
