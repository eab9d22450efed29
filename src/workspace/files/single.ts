// Owns listing, reading and writing single files of a workspace for callers. Never whole trees.
import { PyroError } from "../../base/error.js";
import { guestFault } from "../../base/guest-fault.js";
import { shownBytes } from "../../base/text.js";
import { FileKind, FileRoot } from "../../guest/gen/pyro/guest/v1/files_pb.js";
import type { GuestSession } from "../../guest/session.js";
import { shownPath, workspacePath } from "./guest-path.js";
import { asFileError } from "../../guest/errors.js";
import { openGuestFile } from "./guest-tree.js";
import { putFile } from "./put-file.js";
import { countedBytes, readLines, type LinesRead, type LinesWanted } from "./read-lines.js";

export interface ListRequest {
  readonly path: string;
  readonly recursive: boolean;
  readonly maxEntries: number;
}

const kinds: Readonly<Record<number, "file" | "directory" | "symlink">> = {
  [FileKind.REGULAR]: "file",
  [FileKind.DIRECTORY]: "directory",
  [FileKind.SYMLINK]: "symlink",
};

export interface ListedFile {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly mode: string;
  /** RFC 3339. */
  readonly modifiedAt: string;
  readonly linkTarget: string | null;
}

export async function listFolder(session: GuestSession, request: ListRequest, signal: AbortSignal) {
  const path = workspacePath("path", request.path);
  const question = { root: FileRoot.WORKSPACE, path, recursive: request.recursive, maxEntries: request.maxEntries };
  const entries: ListedFile[] = [];
  let truncated = false;
  try {
    for await (const answer of session.files.listFiles(question, { signal })) {
      truncated ||= answer.truncated;
      for (const entry of answer.entries) {
        if (entries.length >= request.maxEntries) throw guestFault("The guest listed more than was asked.");
        entries.push({
          path: shownPath(entry.path),
          kind: kinds[entry.kind] ?? ("other" as const),
          size: Number(entry.size),
          mode: (entry.mode & 0o7777).toString(8).padStart(4, "0"),
          modifiedAt: new Date(clampMillis(Number(entry.mtimeUnixNanos / 1_000_000n))).toISOString(),
          linkTarget: entry.kind === FileKind.SYMLINK ? Buffer.from(entry.linkTarget).toString("utf8") : null,
        });
      }
    }
  } catch (error) {
    throw asFileError(error, shownPath(path));
  }
  return { path: shownPath(path), entries, truncated };
}

export interface ReadRequest extends LinesWanted {
  readonly path: string;
}

/** Entries of a folder that is read as if it were a file. */
const maxFolderEntries = 500;

export interface TextRead extends Omit<LinesRead, "bytes"> {
  readonly path: string;
  readonly text: string;
  /** The bytes, where they are not UTF-8. */
  readonly base64: string | undefined;
  readonly totalBytes: number;
  readonly truncated: boolean;
  /** Of a folder. */
  readonly entries?: readonly ListedFile[];
}

export async function readText(session: GuestSession, request: ReadRequest, signal: AbortSignal): Promise<TextRead> {
  const path = workspacePath("path", request.path);
  const folder = path.length === 0 ? await listAsText(session, request.path, signal) : undefined;
  if (folder !== undefined) return folder;
  try {
    const { byteOffset = 0 } = request;
    const from = byteOffset > countedBytes ? byteOffset : 0;
    const opened = await openGuestFile(session, { root: FileRoot.WORKSPACE, path, offset: from }, signal);
    const { bytes, ...read } = await readLines({ ...opened, from }, request);
    const truncated = read.nextByteOffset !== null;
    return { path: shownPath(path), ...shownBytes(bytes), ...read, totalBytes: opened.size, truncated };
  } catch (error) {
    const isOther = error instanceof PyroError && error.code === "failed_precondition";
    const listed = isOther ? await listAsText(session, request.path, signal).catch(() => undefined) : undefined;
    if (listed === undefined) throw error;
    return listed;
  }
}

async function listAsText(session: GuestSession, path: string, signal: AbortSignal): Promise<TextRead> {
  const listed = await listFolder(session, { path, recursive: false, maxEntries: maxFolderEntries }, signal);
  const nothing = {
    startLine: null,
    lineCount: 0,
    totalLines: null,
    byteOffset: 0,
    nextByteOffset: null,
    endsLine: true,
  };
  return { ...listed, text: "", base64: undefined, totalBytes: 0, ...nothing };
}

export interface WriteRequest {
  readonly path: string;
  readonly text: string;
}

/** Replaces the content, or makes the file and its folders; an existing file keeps its mode, and a link its place. */
export async function writeText(session: GuestSession, request: WriteRequest, signal: AbortSignal) {
  const path = workspacePath("path", request.path);
  if (path.length === 0) throw new PyroError("invalid_argument", "path: /workspace itself is a folder.");
  const content = Buffer.from(request.text, "utf8");
  const mode = (session.abilities.writesFiles ? undefined : await modeOf(session, path, signal)) ?? 0o644;
  const written = await putFile(session, { path, mode, size: content.length, content: [content] }, signal);
  return { path: shownPath(written.path), bytes: content.length };
}

async function modeOf(session: GuestSession, path: Uint8Array, signal: AbortSignal): Promise<number | undefined> {
  try {
    const opened = await openGuestFile(session, { root: FileRoot.WORKSPACE, path, maxBytes: 1 }, signal);
    await collect(opened.chunks, 1);
    return opened.mode;
  } catch (error) {
    if (error instanceof PyroError && error.code === "not_found") return undefined;
    throw error;
  }
}

/** All the bytes; more than `maxBytes` is a guest that breaks its word. */
export async function collect(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > maxBytes) throw guestFault("The guest sent more of a file than was asked.");
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** Dates end where JavaScript's do. */
function clampMillis(millis: number): number {
  return Math.max(-8.64e15, Math.min(8.64e15, millis));
}
