// Proves for each kind of conversion that git on the host makes the bytes of the workspace of a diff, or that the diff names the file; and that our own patch apply takes it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { planPatch } from "../../../../src/tree/patch/plan.js";
import { carryOut, folderFiles } from "../patch/folder.js";
import { fakeGuest } from "./fake-guest.js";
import { type HostFile, writeFiles, writeRepository } from "./host-worlds.js";
import { snapshotTree, treeOf } from "./overlay.js";

type Content = string | Buffer;
type Files = Readonly<Record<string, Content>>;

interface Input {
  readonly what: string;
  readonly attributes?: string;
  readonly settings?: readonly string[];
  readonly before: Files;
  /** A name that ends in `*` is executable. */
  readonly after: Files;
  /** Files of which git makes other bytes; none when absent. */
  readonly differs?: readonly string[];
}

const little = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");
const big = (text: string): Buffer => little(text).swap16();
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

const inputs: readonly Input[] = [
  {
    what: "a line beside a keyword",
    attributes: "* ident",
    before: { f: "$Id: 0123 $\none\n" },
    after: { f: "$Id: 0123 $\ntwo\n" },
    differs: ["f"],
  },
  {
    what: "a line far from a keyword that git expanded for the new content",
    attributes: "* ident",
    before: { f: "$Id$\n1\n" },
    after: { f: "$Id: db5a9aa54cb1fe0ba0bff4a6b6c5e8f2ff2bf2ab $\n2\n" },
    differs: ["f"],
  },
  {
    what: "a keyword of another system",
    attributes: "* ident",
    before: { g: "x\n" },
    after: { g: "x\n", f: "$Id: a b 1 $\n" },
  },
  {
    what: "UTF-16",
    attributes: "* working-tree-encoding=UTF-16",
    before: { f: little("one\n\u20ac\n") },
    after: { f: little("two\n\u20ac\n"), g: little("\u{1f600}\n") },
  },
  {
    what: "UTF-16 in the other byte order",
    attributes: "* working-tree-encoding=UTF-16",
    before: { f: big("one\n") },
    after: { f: big("two\n") },
  },
  {
    what: "UTF-16 with CRLF, under text",
    attributes: "* text working-tree-encoding=UTF-16LE eol=crlf",
    before: { f: Buffer.from("one\r\ntwo\r\n", "utf16le") },
    after: { f: Buffer.from("one\r\n2\r\n", "utf16le") },
  },
  {
    what: "Latin-1 by name",
    attributes: "* working-tree-encoding=ISO-8859-1",
    before: { f: latin1("\u00fc\n") },
    after: { f: latin1("\u00df\n") },
  },
  {
    what: "Windows-1252",
    attributes: "* working-tree-encoding=windows-1252",
    before: { f: Buffer.from([0x80, 0x0a]) },
    after: { f: Buffer.from([0x80, 0x0a, 0x99, 0x0a]) },
  },
  {
    what: "an LF line in a file of mixed ends, under text",
    attributes: "* text",
    before: { f: "1\r\n2\n3\n4\n5\n6\n7\n8\n9\n" },
    after: { f: "1\r\n2\n3\n4\n5\n6\n7\n8\nnine\n" },
  },
  {
    what: "CRLF in a Latin-1 file, under text",
    attributes: "* text",
    before: { f: latin1("\u00fc\r\n1\r\n") },
    after: { f: latin1("\u00fc\r\n2\r\n") },
  },
  {
    what: "the mode of a CRLF file",
    attributes: "* text=auto",
    before: { f: "1\r\n2\r\n" },
    after: { "f*": "1\r\n2\r\n" },
  },
  {
    what: "the name of a CRLF file",
    attributes: "* text=auto",
    before: { f: "1\r\n2\r\n" },
    after: { g: "1\r\n2\r\n" },
  },
  { what: "LF made CRLF", attributes: "* text", before: { f: "1\n2\n" }, after: { f: "1\r\n2\r\n" } },
  {
    what: "a new LF file where git writes CRLF",
    attributes: "*.bat text eol=crlf",
    before: { f: "x\n" },
    after: { f: "x\n", "a.bat": "echo\n", "b.bat": "echo\r\n" },
    differs: ["a.bat"],
  },
  {
    what: "CRLF files and an LF one under autocrlf",
    settings: ["core.autocrlf=true"],
    before: { f: "1\r\n2\r\n" },
    after: { f: "1\r\n3\r\n", g: "new\n" },
    differs: ["g"],
  },
  {
    what: "moved to another encoding",
    attributes: "*.u16 working-tree-encoding=UTF-16",
    before: { "f.u16": little("one\n") },
    after: { "f.txt": little("one\n") },
  },
  {
    what: "attributes of a folder that come with its files",
    before: { f: "x\n" },
    after: { f: "y\n", "a/.gitattributes": "* text eol=crlf\n", "a/g": "one\n" },
  },
  {
    what: "attributes of a folder that go",
    before: { f: "x\n", "a/.gitattributes": "* ident\n", "a/g": "$Id$\n1\n" },
    after: { f: "y\n", "a/g": "$Id$\n2\n" },
  },
  {
    what: "whitespace that the host would mend or refuse",
    settings: ["apply.whitespace=error", "core.whitespace=trailing-space"],
    before: { f: "1\n" },
    after: { f: "1 \t\n\n\n" },
  },
  {
    what: "other tastes in diffs",
    settings: ["diff.noprefix=true", "color.diff=always", "color.ui=always", "apply.ignoreWhitespace=change"],
    before: { "a/f": "1\n" },
    after: { "a/f": "2\n" },
  },
  {
    what: "attributes of a folder in which all is that git reads and writes first",
    before: { "a/.gitattributes": "*.bat text=auto eol=crlf\n", "a/b.bat": "1\r\n" },
    after: { "a/.gitattributes": "*.bat text=auto eol=crlf\n#\n", "a/b.bat": "2\r\n", "a/c.bat": "new\n", g: "" },
    differs: ["a/c.bat"],
  },
  {
    what: "a file of a mark alone, deleted",
    attributes: "* working-tree-encoding=UTF-16",
    before: { f: little(""), g: little("x\n") },
    after: { g: little("x\n") },
  },
  {
    what: "LF made CRLF, and the mode changed, where git writes CRLF",
    settings: ["core.autocrlf=true"],
    before: { f: "1\n2\n" },
    after: { "f*": "1\r\n2\r\n" },
  },
  {
    what: "moved from an encoding, with CRLF",
    attributes: "*.u16 text working-tree-encoding=UTF-16LE",
    before: { "f.u16": Buffer.from("one\r\n", "utf16le") },
    after: { "f.txt": Buffer.from("one\r\n", "utf16le") },
  },
  {
    what: "a folder whose name ends in a space",
    before: { "dir /b": Buffer.from([0, 1]), "dir /m": "1\n" },
    after: { "dir /b": Buffer.from([0, 2]), "dir /m*": "1\n", "dir /e": "" },
  },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-host-inputs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each(inputs)("$what", async ({ attributes, settings = [], before, after, differs = [] }) => {
  const rules: Files = attributes === undefined ? {} : { ".gitattributes": `${attributes}\n` };
  const [host, inside] = [join(folder, "host"), join(folder, "inside")];
  for (const [root, files] of [
    [host, before],
    [inside, after],
  ] as const) {
    writeRepository(root, { settings, attributes: "" });
    writeFiles(root, filesOf({ ...rules, ...files }));
  }
  const bounds = { maxEntries: 1000, maxPatchCharacters: 1_000_000, signal: new AbortController().signal };
  const diff = await diffWorkspace({ ...bounds, source: fakeGuest(host, inside), seed: treeOf(host) });
  const input = diff.patch;
  execFileSync("git", ["apply", "--whitespace=nowarn"], { cwd: host, input, stdio: ["pipe", "ignore", "pipe"] });
  const [made, wanted] = [snapshotTree(host), snapshotTree(inside)];
  const others = Object.keys({ ...made, ...wanted }).filter((path) => made[path] !== wanted[path]);
  expect([others, diff.differs.map(({ path }) => path)]).toStrictEqual([differs, differs]);
  const back = join(folder, "back");
  writeRepository(back, { settings, attributes: "" });
  writeFiles(back, filesOf({ ...rules, ...before }));
  carryOut(back, await planPatch(folderFiles(back), input, bounds.signal));
  const again = snapshotTree(back);
  const lost = Object.keys({ ...again, ...wanted }).filter((path) => again[path] !== wanted[path]);
  expect(lost.filter((path) => !differs.includes(path))).toStrictEqual([]);
});

function filesOf(files: Files): HostFile[] {
  return Object.entries(files).map(([name, content]) => ({
    path: name.replace("*", ""),
    kind: name.endsWith("*") ? "executable" : "plain",
    content: Buffer.from(content),
  }));
}
