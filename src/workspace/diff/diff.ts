// Owns the diff of a workspace against its seed: entries, counts and the patch. Memory is bounded by one pair of files and the result.
import { type BytePath, bytePath, displayPath, isTextPath, pathBytes } from "./byte-path.js";
import { type Change, type ChangeStatus, type Comparison, gitMode } from "./change.js";
import { type OmittedReason, changePatch } from "./change-patch.js";
import { findChanges } from "./changes.js";

export interface DiffRequest extends Comparison {
  /** Only changes of these paths and below them, on either side of a rename; all when absent. */
  readonly paths?: readonly Uint8Array[];
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

export interface DiffResult {
  readonly entries: readonly DiffEntry[];
  readonly entries_truncated: boolean;
  readonly counts: Readonly<Record<ChangeStatus, number>>;
  readonly patch: string;
  readonly patch_truncated: boolean;
}

export async function diffWorkspace(request: DiffRequest): Promise<DiffResult> {
  const changes = (await findChanges(request)).filter(pathFilter(request.paths));
  const counts = { added: 0, modified: 0, deleted: 0, renamed: 0, type_changed: 0 };
  const entries: DiffEntry[] = [];
  const output = openOutput(request);
  for (const change of changes) {
    request.signal.throwIfAborted();
    const listed = entries.length < request.maxEntries;
    if (output.isOpen()) {
      const part = await changePatch(change, request, output.left());
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
  return { entries, entries_truncated: total > entries.length, counts, patch, patch_truncated: truncated };
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

function pathFilter(paths: readonly Uint8Array[] | undefined): (change: Change) => boolean {
  if (paths === undefined) return () => true;
  const wanted = paths.map((path) => bytePath(path));
  const isWanted = (path: BytePath): boolean =>
    wanted.some((prefix) => prefix === "" || path === prefix || path.startsWith(`${prefix}/`));
  return ({ path, oldPath }) => isWanted(path) || (oldPath !== undefined && isWanted(oldPath));
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
