// Owns paths as bytes: names in a workspace need not be UTF-8. Never touches a file system.
import { isText, startOf } from "../base/text.js";
import { PyroError } from "../base/error.js";

declare const checked: unique symbol;

/** A checked path relative to its root, one character per byte (latin1), so that it sorts and compares as bytes. "" is the root. */
export type BytePath = string & { readonly [checked]: true };

export const rootPath = "" as BytePath;

const maxPathBytes = 4096;
const maxNameBytes = 255;

/** Accepts relative paths without empty, "." and ".." parts and without NUL; anything else is `invalid_argument`. */
export function bytePath(bytes: Uint8Array): BytePath {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const problem = pathProblem(text);
  if (problem === undefined) return text as BytePath;
  throw new PyroError("invalid_argument", `The path ${JSON.stringify(startOf(displayPath(text), 300))} ${problem}.`);
}

/** A path that the host itself wrote down. */
export function trustedPath(text: string): BytePath {
  return text as BytePath;
}

/** What is wrong with a path of one character per byte; undefined when nothing is. */
export function pathProblem(text: string): string | undefined {
  if (text === "") return undefined;
  if (text.length > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  if (text.startsWith("/")) return "is absolute";
  if (text.includes("\0")) return "holds a NUL byte";
  for (const name of text.split("/")) {
    if (name === "" || name === ".") return `has the empty part ${JSON.stringify(name)}`;
    if (name === "..") return 'leads out of its root by ".."';
    if (name.length > maxNameBytes) return `has a name longer than ${maxNameBytes} bytes`;
  }
  return undefined;
}

export function pathBytes(path: BytePath): Buffer {
  return Buffer.from(path, "latin1");
}

/** The path as text; bytes that are not UTF-8 become U+FFFD. */
export function displayPath(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

/** True when the text form loses nothing. */
export function isTextPath(path: BytePath): boolean {
  return isText(pathBytes(path));
}

export function joinPath(folder: BytePath, name: string): BytePath {
  return (folder === rootPath ? name : `${folder}/${name}`) as BytePath;
}

/** The folder that the path is in; undefined for the root. */
export function parentPath(path: BytePath): BytePath | undefined {
  if (path === rootPath) return undefined;
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as BytePath;
}

export function baseName(path: BytePath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `path`, which lies below `from`, as it lies below `to`. */
export function movedPath(path: BytePath, from: BytePath, to: BytePath): BytePath {
  return joinPath(to, from === rootPath ? path : path.slice(from.length + 1));
}

/** The folders on the way to a path, nearest first, without the root. */
export function* foldersAbove(path: BytePath): Generator<BytePath> {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) yield path.slice(0, at) as BytePath;
}

/** True when a part of the path is `.git`: the repository's own files are no part of a diff. */
export function isInGitFolder(path: string): boolean {
  return path.includes(".git") && path.split("/").includes(".git");
}
