// Owns one line of a seed's manifest, as text and as a record. Never reads or writes files.
import { PyroError } from "../../base/error.js";
import type { ByteString } from "../tar/entry.js";

/** One path of a seed, as the image has it. */
export interface SeedRecord {
  /** Relative to the seed's root, without a slash at either end. */
  readonly path: ByteString;
  readonly kind: "file" | "directory" | "symlink";
  /** The permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** Bytes of content; 0 unless a file. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Of a file's content, 64 hex digits; empty otherwise. */
  readonly sha256: string;
  /** Where a symbolic link points; empty otherwise. */
  readonly target: ByteString;
  /** The first path of this file in the stream, where it has several; empty otherwise. */
  readonly group: ByteString;
}

const letters = { file: "f", directory: "d", symlink: "l" } as const;
const kinds: Readonly<Record<string, SeedRecord["kind"]>> = { f: "file", d: "directory", l: "symlink" };

/** `path kind mode size mtime sha256 target group`, between tabs, with the line's end. */
export function formatRecord(record: SeedRecord): ByteString {
  const { path, kind, mode, size, mtime, sha256, target, group } = record;
  return `${escapeName(path)}\t${letters[kind]}\t${mode.toString(8)}\t${size}\t${mtime}\t${sha256}\t${escapeName(target)}\t${escapeName(group)}\n`;
}

/** A line without its end. */
export function parseRecord(line: ByteString): SeedRecord {
  const [path = "", letter = "", mode = "", size = "", mtime = "", sha256 = "", target = "", group] = line.split("\t");
  const kind = kinds[letter];
  if (group === undefined || kind === undefined) {
    throw new PyroError("internal", `A line of the seed's manifest is malformed: ${JSON.stringify(line)}`);
  }
  return {
    path: unescapeName(path),
    kind,
    mode: Number.parseInt(mode, 8),
    size: Number(size),
    mtime: Number(mtime),
    sha256,
    target: unescapeName(target),
    group: unescapeName(group),
  };
}

/** The path alone: what a search looks at. */
export function pathOfLine(line: ByteString): ByteString {
  return unescapeName(line.slice(0, line.indexOf("\t")));
}

function escapeName(name: ByteString): ByteString {
  return name.replace(/[\0-\x1f\x7f\\]/gu, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function unescapeName(text: ByteString): ByteString {
  if (!text.includes("\\")) return text;
  return text.replace(/\\x([0-9a-f]{2})/gu, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
