// Owns the diff of a workspace against its seed: entries, counts and the patch. Memory is bounded by one pair of files and the result.
import { type BytePath, bytePath, displayPath, isTextPath, pathBytes, rootPath } from "../byte-path.js";
import { type Change, type ChangeStatus, type Comparison, gitMode } from "./change.js";
import { type OmittedReason, changePatch, upcomingContents } from "./change-patch.js";
import { type FoundChanges, type ShowIgnored, findChanges } from "./changes.js";
import { readAhead, readingAhead } from "./read-ahead.js";
import { repositoryChanges } from "./repositories.js";
import type { ChangeSource } from "./source.js";

export interface DiffRequest extends Omit<Comparison, "source"> {
  readonly source: ChangeSource;
  /** Only changes of these paths and below them, on either side of a rename; all when absent. */
  readonly paths?: readonly Uint8Array[];
  /** Also new files that git would ignore. Below a folder of them that `paths` names, they are shown in any case. */
  readonly includeIgnored?: boolean;
  /** Entries returned; the counts cover all. */
  readonly maxEntries: number;
  /** Beyond this many characters `patch` is empty and `patch_truncated` set; no content is read any more then. */
  readonly maxPatchCharacters: number;
  /** Takes the patch piece by piece instead, without limit; `patch` stays empty. */
  readonly writePatch?: (text: string) => Promise<void>;
}

export interface DiffEntry {
  /** Bytes that are not UTF-8 are U+FFFD; then `path_base64` has them. */
  path: string;
  path_base64?: string;
  status: ChangeStatus;
  old_path?: string;
  old_path_base64?: string;
  /** Absent when its content was not read. */
  binary?: boolean;
  /** Bytes of the new version; of the old one when deleted. */
  size: number;
  /** As git writes it, such as 100644; 040000 for a folder, which stands here only where it is empty or changed its type. */
  old_mode?: string;
  new_mode?: string;
  /** Why the patch does not, or not wholly, hold this change. */
  omitted?: OmittedReason;
}

/** New files that are left out because git would ignore them. */
export interface IgnoredFiles {
  readonly file_count: number;
  /** The highest folders that are ignored, with a slash at their end, and single files; the first of them in order. */
  readonly paths: readonly string[];
}

export interface DiffResult {
  readonly entries: readonly DiffEntry[];
  readonly entries_truncated: boolean;
  readonly counts: Readonly<Record<ChangeStatus, number>>;
  readonly ignored: IgnoredFiles;
  /** Folders of which the patch lacks something, though it could hold it; the first of them. */
  readonly omitted: readonly { readonly path: string; readonly reason: string }[];
  readonly patch: string;
  readonly patch_truncated: boolean;
}

/** Ignored folders that are named. */
const maxIgnoredNamed = 20;
/** Folders of which something is left out that are named. */
const maxOmittedNamed = 1000;
/** Bytes of contents for each character of patch that still fits: what is read ahead should not be read in vain. */
const aheadRatio = 8;
const leastAheadBytes = 256 * 1024;

export async function diffWorkspace(request: DiffRequest): Promise<DiffResult> {
  const comparison = { ...request, source: readAhead(request.source) };
  const { paths, signal } = request;
  const isNamed = pathFilter(paths);
  const found = await findChanges(comparison, showIgnored(request));
  const changes = found.changes.filter(
    ({ path, oldPath }) => isNamed(path) || (oldPath !== undefined && isNamed(oldPath)),
  );
  const repositories = await repositoryChanges(found.changes, comparison);
  const omittedFolders = new Set<BytePath>();
  const counts = { added: 0, modified: 0, deleted: 0, renamed: 0, type_changed: 0 };
  const entries: DiffEntry[] = [];
  const output = openOutput(request);
  const reading = {
    source: comparison.source,
    upcoming: (change: Change) => (output.isOpen() ? upcomingContents(change) : []),
    hopeful: () => Math.max(leastAheadBytes, output.left() * aheadRatio),
    signal,
  };
  for await (const change of readingAhead(changes, reading)) {
    signal.throwIfAborted();
    const listed = entries.length < request.maxEntries;
    const repository = repositories.get(change.path);
    if (repository !== undefined) {
      omittedFolders.add(repository);
      if (listed) entries.push(entryOf(change, { omitted: "repository" }));
    } else if (output.isOpen()) {
      const part = await changePatch(change, comparison, output.left());
      if (part.same === true) continue;
      if (part.tooLong !== true) await output.add(part.text);
      else output.stop();
      if (listed) entries.push(entryOf(change, part));
    } else if (listed) {
      entries.push(entryOf(change, {}));
    }
    counts[change.status] += 1;
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { patch, truncated } = output.result();
  const ignored = ignoredFiles(new Map([...found.ignored].filter(([path]) => isNamed(path))));
  const omitted = omittedOf([...omittedFolders]);
  return {
    entries,
    entries_truncated: total > entries.length,
    counts,
    ignored,
    omitted,
    patch,
    patch_truncated: truncated,
  };
}

/** Who names an ignored folder, or something in it, wants to see it. */
function showIgnored({ includeIgnored, paths }: DiffRequest): ShowIgnored {
  if (includeIgnored === true) return () => true;
  const wanted = (paths ?? []).map((path) => bytePath(path));
  return (ignored) => wanted.some((path) => path === ignored || path.startsWith(`${ignored}/`));
}

function ignoredFiles(ignored: FoundChanges["ignored"]): IgnoredFiles {
  const named = [...ignored].slice(0, maxIgnoredNamed);
  return {
    file_count: [...ignored.values()].reduce((sum, { fileCount }) => sum + fileCount, 0),
    paths: named.map(([path, { isFolder }]) => `${displayPath(path)}${isFolder ? "/" : ""}`),
  };
}

function omittedOf(folders: readonly BytePath[]): DiffResult["omitted"] {
  const reason = "git would take it for a repository: its settings and hooks are left out";
  return folders
    .slice(0, maxOmittedNamed)
    .map((path) => ({ path: path === rootPath ? "./" : `${displayPath(path)}/`, reason }));
}

function openOutput({ maxPatchCharacters, writePatch }: DiffRequest) {
  let parts: string[] = [];
  let left = writePatch === undefined ? maxPatchCharacters : Number.POSITIVE_INFINITY;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    parts = [];
  };
  return {
    isOpen: () => !stopped,
    left: () => left,
    stop,
    async add(text: string): Promise<void> {
      left -= text.length;
      if (left < 0) stop();
      else if (writePatch === undefined) parts.push(text);
      else if (text !== "") await writePatch(text);
    },
    result: () => ({ patch: parts.join(""), truncated: stopped }),
  };
}

function pathFilter(paths: readonly Uint8Array[] | undefined): (path: BytePath) => boolean {
  if (paths === undefined) return () => true;
  const wanted = paths.map((path) => bytePath(path));
  return (path) => wanted.some((prefix) => prefix === "" || path === prefix || path.startsWith(`${prefix}/`));
}

function entryOf(change: Change, part: { binary?: boolean; omitted?: OmittedReason }): DiffEntry {
  const { path, oldPath, status, old, now } = change;
  return {
    path: displayPath(path),
    ...(isTextPath(path) ? {} : { path_base64: pathBytes(path).toString("base64") }),
    status,
    ...(oldPath === undefined ? {} : { old_path: displayPath(oldPath) }),
    ...(oldPath === undefined || isTextPath(oldPath) ? {} : { old_path_base64: pathBytes(oldPath).toString("base64") }),
    ...(part.binary === undefined ? {} : { binary: part.binary }),
    size: (now ?? old)?.size ?? 0,
    ...(old === undefined ? {} : { old_mode: gitMode(old) }),
    ...(now === undefined ? {} : { new_mode: gitMode(now) }),
    ...(part.omitted === undefined ? {} : { omitted: part.omitted }),
  };
}
