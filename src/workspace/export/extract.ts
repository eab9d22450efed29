// Owns bringing a guest's archive of one file or folder onto the host. The guest is hostile: never writes outside the named target.
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { displayPath } from "../diff/byte-path.js";
import type { TarEntry } from "../seed/tar-entry.js";
import { type MadeKind, EntryNames, MadeTree, refusedEntry, repositoryIn } from "./entry-place.js";
import { ExportWriter } from "./export-writer.js";
import { checkTarget, openStaging } from "./staging.js";
import { tarEvents } from "./tar-events.js";

export interface ExportLimits {
  readonly maxEntries: number;
  /** Of file contents; also never more than the disk has free, less a reserve. */
  readonly maxBytes: number;
}

export interface ExportRequest {
  /** POSIX tar. */
  readonly stream: AsyncIterable<Uint8Array>;
  /** Absolute path on the host, made by this call. */
  readonly target: string;
  /** The archive's names are relative to the exported folder itself, not to its parent. */
  readonly contentOnly: boolean;
  /** Replaces what is at the target. */
  readonly force: boolean;
  readonly limits: ExportLimits;
  readonly signal: AbortSignal;
}

export interface ExportResult {
  readonly kind: MadeKind;
  readonly file_count: number;
  readonly folder_count: number;
  readonly symlink_count: number;
  readonly byte_count: number;
  /** What no export holds, such as devices and `.git`; at most 1,000 are listed. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly skipped_count: number;
}

/** Left free on the disk, in bytes. */
const reserveBytes = 256 * 1024 * 1024;
const maxSkippedListed = 1000;

/** Modes without setuid, setgid and sticky; whole seconds of times; the owner is this user. */
export async function extractExport(request: ExportRequest): Promise<ExportResult> {
  const { target, force, signal } = request;
  signal.throwIfAborted();
  await checkTarget(target, force);
  const maxBytes = Math.min(request.limits.maxBytes, await roomFor(target));
  await using staging = await openStaging(target);
  try {
    await using writer = new ExportWriter(staging.made);
    const result = await extractInto(writer, { ...request, limits: { ...request.limits, maxBytes } });
    signal.throwIfAborted();
    await staging.publish(force);
    await writer.finishRoot(target);
    return result;
  } catch (error) {
    throw asExportError(error);
  }
}

async function roomFor(target: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(target));
  return Math.max(0, bavail * bsize - reserveBytes);
}

interface Progress {
  readonly writer: ExportWriter;
  readonly names: EntryNames;
  readonly tree: MadeTree;
  readonly limits: ExportLimits;
  readonly counts: {
    file: number;
    directory: number;
    symlink: number;
    bytes: number;
    skipped: number;
    entries: number;
  };
  readonly skipped: { path: string; reason: string }[];
}

async function extractInto(writer: ExportWriter, request: ExportRequest): Promise<ExportResult> {
  const counts = { file: 0, directory: 0, symlink: 0, bytes: 0, skipped: 0, entries: 0 };
  const names = new EntryNames(request.contentOnly);
  const progress: Progress = { writer, names, tree: new MadeTree(), limits: request.limits, counts, skipped: [] };
  if (request.contentOnly) await makeFolder(progress, "", { mode: 0o755, mtime: undefined });
  for await (const event of tarEvents(request.stream, request.signal)) {
    if (event.kind === "entry") await takeEntry(progress, event.entry);
    else if (event.kind === "content") await writer.write(event.piece);
    else await writer.endFile();
  }
  await writer.finish();
  const kind = progress.tree.rootKind;
  if (kind === undefined) throw new PyroError("failed_precondition", emptyMessage(progress));
  return {
    kind,
    file_count: counts.file,
    folder_count: counts.directory,
    symlink_count: counts.symlink,
    byte_count: counts.bytes,
    skipped: progress.skipped,
    skipped_count: counts.skipped,
  };
}

function emptyMessage({ skipped }: Progress): string {
  const [first] = skipped;
  return first === undefined
    ? "The archive of the export is empty."
    : `${first.path || "It"} is ${first.reason}, which cannot be exported.`;
}

async function takeEntry(progress: Progress, entry: TarEntry): Promise<void> {
  const { counts, limits, names, tree } = progress;
  counts.entries += 1;
  if (counts.entries > limits.maxEntries) throw exhausted(`more than ${limits.maxEntries} entries`);
  const path = names.pathOf(entry.path);
  const repository = repositoryIn(path);
  if (repository !== undefined) {
    if (repository === path) skip(progress, path, "a repository: its hooks and settings could run on the host");
    return;
  }
  if (entry.kind === "other") {
    skip(progress, path, entry.what);
    return;
  }
  for (const folder of tree.missingFolders(path)) await makeFolder(progress, folder, { mode: 0o755, mtime: undefined });
  tree.checkNew(path, entry.kind);
  if (entry.kind === "directory") {
    await makeFolder(progress, path, entry);
    return;
  }
  counts.bytes += entry.size;
  if (counts.bytes > limits.maxBytes) throw exhausted(`more than the ${limits.maxBytes} bytes that it may have here`);
  const kind = await makeLeaf(progress, path, { ...entry, kind: entry.kind });
  tree.add(path, kind);
  counts[kind] += 1;
}

function skip({ counts, skipped }: Progress, path: string, reason: string): void {
  counts.skipped += 1;
  if (skipped.length < maxSkippedListed) skipped.push({ path: displayPath(path), reason });
}

type Leaf = TarEntry & { readonly kind: "file" | "symlink" | "link" };

async function makeLeaf(progress: Progress, path: string, entry: Leaf): Promise<"file" | "symlink"> {
  if (entry.kind === "link") return makeLink(progress, path, entry.target);
  if (entry.kind === "file") await progress.writer.startFile(path, entry);
  else await progress.writer.symlink(path, checkedTarget(path, entry.target), entry.mtime);
  return entry.kind;
}

async function makeFolder(
  progress: Progress,
  path: string,
  attributes: { mode: number; mtime: number | undefined },
): Promise<void> {
  const { tree, writer, counts } = progress;
  if (tree.kindOf(path) === undefined) {
    await writer.folder(path);
    if (path !== "" || attributes.mtime !== undefined) counts.directory += 1;
  }
  tree.add(path, "directory");
  writer.folderAttributes(path, attributes);
}

/** Kept as it is: a link is only ever made, never followed. */
function checkedTarget(path: string, target: string): string {
  if (target === "" || target.includes("\0") || target.length > 4095)
    throw refusedEntry(path, "is a link without a usable target");
  return target;
}

/** A second name of a file, or of a symbolic link, which is not followed either. */
async function makeLink({ names, tree, writer }: Progress, path: string, target: string): Promise<"file" | "symlink"> {
  const existing = names.pathOf(target);
  const kind = tree.kindOf(existing);
  if (kind === undefined || kind === "directory") throw refusedEntry(path, "is a hard link to no file of the export");
  await writer.hardLink(path, existing);
  return kind;
}

function exhausted(what: string): PyroError {
  return new PyroError("resource_exhausted", `The export has ${what}. Nothing was written.`, {
    hint: "Export a smaller part, or free room on the host.",
  });
}

function asExportError(error: unknown): unknown {
  if (hasErrno(error, "ENOSPC") || hasErrno(error, "EDQUOT")) {
    return new PyroError("resource_exhausted", "The host's disk is full. Nothing was written.", { cause: error });
  }
  if (hasErrno(error, "ENAMETOOLONG") || hasErrno(error, "EILSEQ")) {
    return new PyroError(
      "failed_precondition",
      "The export has a name that the host's file system cannot hold. Nothing was written.",
      {
        cause: error,
      },
    );
  }
  return error;
}
