// Owns random trees and edit scripts for the property tests of diff and patch. Never fails: an edit that the kernel refuses changes nothing.
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import * as fc from "fast-check";
import { under, walkTree } from "./overlay.js";

const names = [
  "a",
  "b",
  "c",
  "d e",
  "\u00c3\u00a4",
  'q"t',
  "n\nl",
  "\xff\xfe",
  "x.txt",
  "-dash",
  "tab\t",
  "back\\slash",
  "a.b",
];

const line = fc.constantFrom(
  "one",
  "two",
  "three",
  "",
  "  four",
  "@@ -1 +1 @@",
  "--- a/x",
  "\\ no",
  "ümlaut",
  "tail\r",
);
const text = fc.array(line, { maxLength: 40 }).map((lines) => Buffer.from(lines.map((one) => `${one}\n`).join("")));
const content = fc.oneof(
  { weight: 4, arbitrary: text },
  text.map((whole) => whole.subarray(0, Math.max(0, whole.length - 1))),
  text.map((whole) => Buffer.from(whole.toString().replaceAll("\n", "\r\n"))),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.from("same content\n")),
  fc.constant(Buffer.alloc(0)),
);
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
/** An existing path, by number, or a made-up one. */
const place = fc.oneof({ weight: 3, arbitrary: fc.nat(1000) }, { weight: 2, arbitrary: path });
/** None leads back to its own link: git fails to look behind such a one, even to replace it by a folder. */
const target = fc.constantFrom("to a", "../b", "/etc/passwd", "nowhere", "\xfe", "d f/a");

export type Edit =
  | { readonly do: "write" | "append"; readonly at: number | string; readonly content: Buffer }
  | {
      readonly do: "remove" | "folder" | "executable" | "plain" | "copy-up" | "there-and-back";
      readonly at: number | string;
    }
  | { readonly do: "rename" | "link" | "swap"; readonly at: number | string; readonly to: number | string }
  | { readonly do: "symlink"; readonly at: number | string; readonly target: string };

const write = fc.record({ do: fc.constantFrom("write" as const, "append" as const), at: place, content });
const single = fc.record({
  do: fc.constantFrom(
    "remove" as const,
    "folder" as const,
    "executable" as const,
    "plain" as const,
    "copy-up" as const,
    "there-and-back" as const,
  ),
  at: place,
});
const double = fc.record({
  do: fc.constantFrom("rename" as const, "rename" as const, "link" as const, "swap" as const),
  at: place,
  to: place,
});
const symlink = fc.record({ do: fc.constant("symlink" as const), at: place, target });

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: write },
    { weight: 3, arbitrary: single },
    { weight: 4, arbitrary: double },
    symlink,
  ),
  { maxLength: 12 },
);
/** Makes a tree in an empty folder. */
export const tree: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), at: path, content }) },
    fc.record({ do: fc.constant("symlink" as const), at: path, target }),
    fc.record({ do: fc.constantFrom("executable" as const, "folder" as const), at: place }),
    fc.record({ do: fc.constant("link" as const), at: place, to: path }),
  ),
  { minLength: 1, maxLength: 20 },
);

export function applyEdits(root: string, script: readonly Edit[]): void {
  for (const edit of script) {
    try {
      applyEdit(root, edit);
    } catch (error) {
      if (!(error instanceof Error) || !("errno" in error)) throw error;
    }
  }
}

function applyEdit(root: string, edit: Edit): void {
  const at = pick(root, edit.at);
  switch (edit.do) {
    case "write":
      makeRoom(root, at);
      return writeFileSync(under(root, at), edit.content);
    case "append":
      return appendFileSync(under(root, at), edit.content);
    case "remove":
      return rmSync(under(root, at), { recursive: true, force: true });
    case "folder":
      makeRoom(root, at);
      return void mkdirSync(under(root, at), { recursive: true });
    case "executable":
      return chmodSync(under(root, at), 0o755);
    case "plain":
      // A folder stays one that this user can enter.
      return chmodSync(under(root, at), lstatSync(under(root, at)).isDirectory() ? 0o700 : 0o644);
    case "copy-up":
      return writeFileSync(under(root, at), readFileSync(under(root, at)));
    case "there-and-back":
      renameSync(under(root, at), under(root, "elsewhere"));
      return renameSync(under(root, "elsewhere"), under(root, at));
    case "rename":
    case "link":
    case "swap":
      return twoPaths(root, edit.do, { at, to: pick(root, edit.to) });
    case "symlink":
      makeRoom(root, at);
      return symlinkSync(Buffer.from(edit.target, "latin1"), under(root, at));
  }
}

function twoPaths(root: string, kind: "rename" | "link" | "swap", { at, to }: { at: string; to: string }): void {
  if (kind === "swap") {
    renameSync(under(root, at), under(root, "elsewhere"));
    renameSync(under(root, to), under(root, at));
    return renameSync(under(root, "elsewhere"), under(root, to));
  }
  if (!`${at}/`.startsWith(`${to}/`)) makeRoom(root, to);
  return kind === "link" ? linkSync(under(root, at), under(root, to)) : renameSync(under(root, at), under(root, to));
}

function pick(root: string, at: number | string): string {
  if (typeof at === "string") return at;
  const existing = [...walkTree(root)].map(([path]) => path);
  return existing[at % Math.max(1, existing.length)] ?? "a";
}

/** Removes what is at the path, and makes its parents. */
function makeRoom(root: string, path: string): void {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  if (parent !== "") mkdirSync(under(root, parent), { recursive: true });
  rmSync(under(root, path), { recursive: true, force: true });
}
