// Owns random checkouts of a host, with attributes and settings, and what an agent makes of them. Never runs git.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { under } from "./overlay.js";

export interface HostFile {
  /** One character per byte. */
  readonly path: string;
  readonly kind: "plain" | "executable" | "link";
  readonly content: Buffer;
}

export interface HostWorld {
  readonly before: readonly HostFile[];
  readonly after: readonly HostFile[];
  /** Of the repository's configuration. */
  readonly settings: readonly string[];
  /** Content of .git/info/attributes. */
  readonly attributes: string;
}

const folders = ["", "", "web/", "dir /", "a b/c/", "\xc3\xa4/", 'q"t/', "\xff\xfe/"];
const stems = [
  "f",
  "g",
  "with space ",
  " x",
  "tab\t",
  "n\nl",
  "back\\slash",
  "\xe2\x82\xac",
  "\xfe",
  "-dash",
  "d",
  "quo'te",
  "{a}",
  "[b]",
  "#c",
  "!d",
];
const endings = ["", ".txt", ".bat", ".u16", ".l1", ".id", ".bin", ".lfs", ".u16le"];
const name = fc
  .tuple(fc.constantFrom(...folders), fc.constantFrom(...stems), fc.constantFrom(...endings))
  .map((parts) => parts.join(""));

const lineText = fc.constantFrom(
  "one",
  "two",
  "",
  "  blanks  ",
  "$Id$",
  "// $Id: 0123 $ x",
  "$Id: a b 1 $",
  "\u00fc\u00df",
  "\u20ac \u{1f600}",
  "@@ -1 +1 @@",
  "tail\t",
  "-- x",
);
const lineEnd = fc.constantFrom("\n", "\n", "\n", "\r\n");
const uniform = fc
  .tuple(fc.array(lineText, { maxLength: 30 }), fc.constantFrom("\n", "\r\n"), fc.boolean())
  .map(([lines, end, closed]) => lines.join(end) + (closed && lines.length > 0 ? end : ""));
const mixed = fc
  .array(fc.tuple(lineText, lineEnd), { maxLength: 20 })
  .map((lines) => lines.map(([text, end]) => text + end).join(""));
const text = fc.oneof({ weight: 3, arbitrary: uniform }, mixed);

type Encoding = "utf8" | "u16" | "u16be" | "u16le" | "latin1";
const encoding = fc.constantFrom<Encoding>("utf8", "utf8", "utf8", "utf8", "u16", "u16be", "u16le", "latin1");

function encoded(value: string, how: Encoding): Buffer {
  const little = Buffer.from(`${how === "u16le" ? "" : "\ufeff"}${value}`, "utf16le");
  if (how === "u16" || how === "u16le") return little;
  if (how === "u16be") return little.swap16();
  return Buffer.from(value, how);
}

/** An encoding that suits the name more often than not. */
const content = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(text, encoding) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
);
type Content = Buffer;

function contentFor(path: string, made: readonly [string, Encoding] | Uint8Array, suits: boolean): Content {
  if (made instanceof Uint8Array) return Buffer.from(made);
  const own = path.endsWith(".u16")
    ? "u16"
    : path.endsWith(".u16le")
      ? "u16le"
      : path.endsWith(".l1")
        ? "latin1"
        : "utf8";
  return encoded(made[0], suits ? own : made[1]);
}

const suits = fc.integer({ min: 0, max: 4 }).map((chance) => chance > 0);
const file: fc.Arbitrary<HostFile> = fc
  .tuple(name, content, suits, fc.constantFrom<HostFile["kind"]>("plain", "plain", "plain", "executable", "link"))
  .map(([path, made, fits, kind]) => ({
    path,
    kind,
    content: kind === "link" ? Buffer.from("to a/b") : contentFor(path, made, fits),
  }));

const pattern = fc.constantFrom(
  "*",
  "*.txt",
  "*.bat",
  "*.u16",
  "*.id",
  "*.l1",
  "*.u16le",
  "web/**",
  "f*",
  "/g.txt",
  "[!a-f]*",
  '"with space .txt"',
  "**/f.bat",
  "*.bin",
);
const attribute = fc.constantFrom(
  "text",
  "text=auto",
  "-text",
  "!text",
  "eol=crlf",
  "eol=lf",
  "text eol=crlf",
  "text=auto eol=crlf",
  "ident",
  "-ident",
  "binary",
  "crlf=input",
  "working-tree-encoding=UTF-16",
  "mine",
  "whitespace=cr-at-eol",
);
const usual = [
  "*.u16 working-tree-encoding=UTF-16",
  "*.u16le text working-tree-encoding=utf-16le",
  "*.l1 working-tree-encoding=ISO-8859-1",
  "*.id ident",
  "*.lfs filter=lfs -text",
  "*.bat text eol=crlf",
];
const attributes = fc
  .tuple(
    fc.subarray(usual),
    fc.array(
      fc.tuple(pattern, attribute).map((words) => words.join(" ")),
      { maxLength: 3 },
    ),
    fc.constantFrom("", "[attr]mine ident text\n", "# a comment\n\n"),
  )
  .map(([first, second, start]) => `${start}${[...first, ...second].map((line) => `${line}\n`).join("")}`);

const settings = fc.subarray(
  [
    "core.autocrlf=true",
    "core.autocrlf=input",
    "core.eol=crlf",
    "core.safecrlf=true",
    "apply.whitespace=fix",
    "apply.whitespace=error",
    "diff.noprefix=true",
    "color.diff=always",
    "color.ui=always",
    "apply.ignoreWhitespace=change",
  ],
  { maxLength: 4 },
);

type Edit =
  | { readonly do: "line"; readonly at: number; readonly line: number; readonly text: string }
  | { readonly do: "lineEnds"; readonly at: number; readonly to: string }
  | { readonly do: "mode" | "delete"; readonly at: number }
  | { readonly do: "rename"; readonly at: number; readonly to: string }
  | { readonly do: "put"; readonly file: HostFile };

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("line" as const), at: fc.nat(99), line: fc.nat(99), text: lineText }),
  },
  fc.record({ do: fc.constant("lineEnds" as const), at: fc.nat(99), to: fc.constantFrom("\n", "\r\n") }),
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("mode" as const, "delete" as const), at: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rename" as const), at: fc.nat(99), to: name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("put" as const), file }) },
);

/** Attributes of folders, which the edits may change as they change any file. */
const rules = fc
  .tuple(fc.constantFrom(".gitattributes", "web/.gitattributes", "dir /.gitattributes"), attributes)
  .map(([path, lines]): HostFile => ({ path, kind: "plain", content: Buffer.from(lines) }));

export const hostWorld: fc.Arbitrary<HostWorld> = fc
  .record({
    top: attributes,
    files: fc.array(fc.oneof({ weight: 12, arbitrary: file }, rules), { minLength: 1, maxLength: 10 }),
    edits: fc.array(
      fc.oneof(
        { weight: 20, arbitrary: edit },
        rules.map((each): Edit => ({ do: "put", file: each })),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
    settings,
    attributes: fc.oneof({ weight: 3, arbitrary: fc.constant("") }, attributes),
  })
  .map(({ top, files, edits, ...rest }) => {
    const before = new Map<string, HostFile>();
    place(before, { path: ".gitattributes", kind: "plain", content: Buffer.from(top) });
    for (const each of files) place(before, each);
    const after = new Map(before);
    for (const each of edits) carryOutEdit(after, each);
    return { before: [...before.values()], after: [...after.values()], ...rest };
  });

function place(tree: Map<string, HostFile>, put: HostFile): void {
  for (const path of [...tree.keys()]) {
    if (path.startsWith(`${put.path}/`) || put.path.startsWith(`${path}/`)) tree.delete(path);
  }
  tree.set(put.path, put);
}

function carryOutEdit(tree: Map<string, HostFile>, change: Edit): void {
  if (change.do === "put") return place(tree, change.file);
  const chosen = [...tree.values()][change.at % Math.max(1, tree.size)];
  if (chosen === undefined) return;
  const { path, kind, content: old } = chosen;
  if (change.do === "delete") {
    tree.delete(path);
  } else if (kind === "link") {
    return;
  } else if (change.do === "mode") {
    tree.set(path, { ...chosen, kind: kind === "plain" ? "executable" : "plain" });
  } else if (change.do === "rename") {
    tree.delete(path);
    place(tree, { ...chosen, path: change.to });
  } else if (change.do === "line") {
    tree.set(path, { ...chosen, content: withLine(old, change) });
  } else if (change.do === "lineEnds") {
    tree.set(path, { ...chosen, content: withEnds(old, change.to) });
  }
}

/** In the encoding that the file seems to have. */
function edited(old: Buffer, change: (text: string) => string): Buffer {
  const isWide = old[0] === 0xff && old[1] === 0xfe;
  if (isWide) return Buffer.from(change(old.toString("utf16le")), "utf16le");
  const isText = Buffer.from(old.toString("utf8")).equals(old);
  return Buffer.from(change(old.toString(isText ? "utf8" : "latin1")), isText ? "utf8" : "latin1");
}

function withLine(old: Buffer, { line, text: put }: { line: number; text: string }): Buffer {
  return edited(old, (whole) => {
    const lines = whole.split("\n");
    const at = line % lines.length;
    const end = lines[at]?.endsWith("\r") === true ? "\r" : "";
    lines.splice(at, line % 3, put + end);
    return lines.join("\n");
  });
}

function withEnds(old: Buffer, end: string): Buffer {
  return edited(old, (whole) => whole.replaceAll(/\r?\n/gu, end));
}

export function writeFiles(root: string, files: readonly HostFile[]): void {
  for (const { path, kind, content: bytes } of files) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (folder !== "") mkdirSync(under(root, folder), { recursive: true });
    rmSync(under(root, path), { force: true });
    if (kind === "link") symlinkSync(bytes, under(root, path));
    else {
      writeFileSync(under(root, path), bytes);
      chmodSync(under(root, path), kind === "executable" ? 0o755 : 0o644);
    }
  }
}

/** What git needs to take the folder for a checkout. */
export function writeRepository(
  root: string,
  { settings: lines, attributes: info }: Pick<HostWorld, "settings" | "attributes">,
): void {
  for (const folder of ["objects", "refs", "info"]) mkdirSync(join(root, ".git", folder), { recursive: true });
  writeFileSync(join(root, ".git/HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(root, ".git/info/attributes"), info);
  const config = lines.map((line) => line.replace(/^(\w+)\.(\w+)=(.*)$/u, "[$1]\n\t$2 = $3\n"));
  writeFileSync(join(root, ".git/config"), `[core]\n\trepositoryformatversion = 0\n${config.join("")}`);
}
