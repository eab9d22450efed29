// Owns bringing a guest's archive of one file or folder onto the host. The guest is hostile: never writes outside the named target.
import { PyroError, hasErrno } from "../../base/error.js";
import { RoomMeter, roomAt } from "../../base/free-room.js";
import { type AllowedRoots, descriptorPath } from "../../base/host-roots.js";
import { displayPath } from "../byte-path.js";
import type { TarEntry } from "../tar/entry.js";
import { type MadeKind, EntryNames, MadeTree, refusedEntry, staysInside } from "./entry-place.js";
import { openPlace } from "./export-place.js";
import { ExportWriter } from "./export-writer.js";
import type { Exports } from "./exports.js";
import { checkTarget, openStaging } from "./staging.js";
import { tarEvents } from "../tar/events.js";

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
  /** Folders that the target may lie in. Where they are given, links that lead out of the export are left out, too. */
  readonly allowedRoots: AllowedRoots;
  /** What is thrown where the archive holds nothing that is exported; of a link that is left out it is given the target. */
  readonly whyNothing?: (linkTarget: string | undefined) => PyroError;
  readonly exports: Exports;
  readonly signal: AbortSignal;
}

export interface ExportResult {
  readonly kind: MadeKind;
  /** Of a symbolic link, as it stands there. */
  readonly link_target?: string;
  readonly file_count: number;
  readonly folder_count: number;
  readonly symlink_count: number;
  readonly byte_count: number;
  /** What no export holds, such as devices and `.git`; at most 1,000 are listed. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly skipped_count: number;
}

const maxSkippedListed = 1000;

/** Modes without setuid, setgid and sticky; whole seconds of times; the owner is this user. */
export async function extractExport(request: ExportRequest): Promise<ExportResult> {
  const { target, force, signal, exports, allowedRoots } = request;
  signal.throwIfAborted();
  await using place = await openPlace(target, allowedRoots);
  await checkTarget(place, force);
  const disk = descriptorPath(place.parent);
  const maxBytes = Math.min(request.limits.maxBytes, await roomAt(disk));
  await using staging = await openStaging(place, exports);
  try {
    await using writer = new ExportWriter(staging.made);
    const room = new RoomMeter(disk);
    const result = await extractInto({ writer, room }, { ...request, limits: { ...request.limits, maxBytes } });
    await exports.step("extracted");
    await exports.publish(signal, () => staging.publish(force));
    await writer.finishRoot();
    return result;
  } catch (error) {
    throw asExportError(error);
  }
}

interface Progress {
  readonly writer: ExportWriter;
  readonly names: EntryNames;
  readonly tree: MadeTree;
  readonly limits: ExportLimits;
  /** Leaves out links that lead out of the export. */
  readonly confined: boolean;
  readonly counts: {
    file: number;
    directory: number;
    symlink: number;
    bytes: number;
    skipped: number;
    entries: number;
  };
  readonly skipped: { path: string; reason: string }[];
  /** Where the export itself leads, if it is a link. */
  rootTarget: string | undefined;
}

interface Output {
  readonly writer: ExportWriter;
  readonly room: RoomMeter;
}

async function extractInto({ writer, room }: Output, request: ExportRequest): Promise<ExportResult> {
  const counts = { file: 0, directory: 0, symlink: 0, bytes: 0, skipped: 0, entries: 0 };
  const names = new EntryNames(request.contentOnly);
  const { limits, allowedRoots } = request;
  const confined = allowedRoots !== undefined;
  const kept = { tree: new MadeTree(), skipped: [] };
  const progress: Progress = { writer, names, limits, confined, counts, ...kept, rootTarget: undefined };
  if (request.contentOnly) await makeFolder(progress, "", { mode: 0o755, mtime: undefined });
  for await (const event of tarEvents(request.stream, request.signal)) {
    if (event.kind === "entry") await takeEntry(progress, event.entry);
    else if (event.kind === "content") await write({ writer, room }, event.piece);
    else await writer.endFile();
  }
  await writer.finish();
  const kind = progress.tree.rootKind;
  if (kind === undefined) throw request.whyNothing?.(rootTargetOf(progress)) ?? nothingMade(progress);
  return {
    kind,
    ...(kind === "symlink" ? { link_target: rootTargetOf(progress) ?? "" } : {}),
    file_count: counts.file,
    folder_count: counts.directory,
    symlink_count: counts.symlink,
    byte_count: counts.bytes,
    skipped: progress.skipped,
    skipped_count: counts.skipped,
  };
}

/** Others write to the same disk meanwhile. */
async function write({ writer, room }: Output, piece: Buffer): Promise<void> {
  if (!writer.isInFile) return;
  if ((await room.take(piece.length)) < piece.length) throw exhausted("more bytes than the disk has room for now");
  await writer.write(piece);
}

function nothingMade({ skipped: [first] }: Progress): PyroError {
  const why =
    first === undefined ? "The archive of the export is empty." : `It is ${first.reason}, which is not exported.`;
  return new PyroError("failed_precondition", why);
}

function rootTargetOf({ rootTarget }: Progress): string | undefined {
  return rootTarget === undefined ? undefined : displayPath(rootTarget);
}

async function takeEntry(progress: Progress, entry: TarEntry): Promise<void> {
  const { counts, limits, names, tree } = progress;
  count(progress);
  const path = names.pathOf(entry.path);
  if (path === "" && entry.kind === "symlink") progress.rootTarget = entry.target;
  const way = tree.wayTo(path);
  if (way.kind === "left_out") return;
  for (const folder of way.missing) {
    count(progress);
    if (isLeftOut(progress, folder, tree.repositoryReason(folder))) return;
    await makeFolder(progress, folder, { mode: 0o755, mtime: undefined });
  }
  tree.checkNew(path, entry.kind);
  if (isLeftOut(progress, path, reasonAgainst(progress, path, entry))) return;
  if (entry.kind === "directory") {
    await makeFolder(progress, path, entry);
    return;
  }
  counts.bytes += entry.size;
  if (counts.bytes > limits.maxBytes) throw exhausted(`more than the ${limits.maxBytes} bytes that it may have here`);
  const kind = await makeLeaf(progress, path, entry);
  tree.add(path, kind);
  counts[kind] += 1;
}

/** Folders that no entry states count like the others: each is a folder on the host. */
function count({ counts, limits }: Progress): void {
  counts.entries += 1;
  if (counts.entries > limits.maxEntries) throw exhausted(`more than ${limits.maxEntries} entries`);
}

function reasonAgainst({ confined, names, tree }: Progress, path: string, entry: TarEntry): string | undefined {
  if (entry.kind === "other") return entry.what;
  if (confined && entry.kind === "symlink" && !staysInside(path, entry.target))
    return "a link that leads out of the export";
  if (entry.kind === "link" && tree.wayTo(names.pathOf(entry.target)).kind === "left_out")
    return "another name of what is left out";
  return tree.repositoryReason(path);
}

/** Lists what is left out, for the reason that is given, so that nothing below it is made either. */
function isLeftOut({ counts, skipped, tree }: Progress, path: string, reason: string | undefined): boolean {
  if (reason === undefined) return false;
  tree.leaveOut(path);
  counts.skipped += 1;
  if (skipped.length < maxSkippedListed) skipped.push({ path: displayPath(path), reason });
  return true;
}

async function makeLeaf(progress: Progress, path: string, entry: TarEntry): Promise<"file" | "symlink"> {
  if (entry.kind === "link") return makeLink(progress, path, entry.target);
  if (entry.kind === "file") await progress.writer.startFile(path, entry);
  else await progress.writer.symlink(path, checkedTarget(path, entry.target), entry.mtime);
  return entry.kind === "file" ? "file" : "symlink";
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
