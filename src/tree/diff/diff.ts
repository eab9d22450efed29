// Owns the diff of a workspace against its seed: entries, counts and the patch. Memory is bounded by one pair of files and the result.
import { type BytePath, displayPath, isTextPath, pathBytes } from "../byte-path.js";
import { type Change, type ChangeStatus, type Comparison, gitMode } from "./change.js";
import { type ChangePatch, type PatchComparison, changePatch, upcomingContents } from "./change-patch.js";
import { type FoundChanges, type ShowIgnored, findChanges } from "./changes.js";
import { type CheckoutAbove, hostConversions } from "./host-conversions.js";
import { type HostOutcome, collectOutcome } from "./host-outcome.js";
import { type NamedPaths, namedPaths } from "./named-paths.js";
import { type Omission, type OmittedKind, folderOmission, omissionOf, omittedKind } from "./omissions.js";
import { type PatchOutput, openPatchOutput } from "./patch-output.js";
import { readAhead, readingAhead } from "./read-ahead.js";
import { repositoryChanges } from "./repositories.js";
import type { ChangeSource } from "./source.js";

export interface DiffRequest extends Omit<Comparison, "source"> {
  readonly source: ChangeSource;
  /** Where the seed was a folder of one. */
  readonly above?: CheckoutAbove | undefined;
  /** Only changes of these paths and below them, on either side of a rename; all when absent. */
  readonly paths?: readonly Uint8Array[];
  /** Also new files that git would ignore. Below a folder of them that `paths` names, they are shown in any case. */
  readonly includeIgnored?: boolean;
  /** Entries returned; the counts cover all. */
  readonly maxEntries: number;
  /**
   * Beyond this many bytes `patch` is empty and `patch_truncated` set; no content is read any more then. A change that is
   * longer by itself is left out alone.
   */
  readonly maxPatchCharacters: number;
  /** Takes the patch piece by piece instead, as much as one may apply; what does not fit is left out, `patch` stays empty. */
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
  omitted?: OmittedKind;
}

/** New files that are left out because git would ignore them. */
export interface IgnoredFiles {
  readonly file_count: number;
  /** The highest folders that are ignored, with a slash at their end, and single files; the first of them in order. */
  readonly paths: readonly string[];
}

export interface DiffResult extends HostOutcome {
  readonly entries: readonly DiffEntry[];
  readonly entries_truncated: boolean;
  readonly counts: Readonly<Record<ChangeStatus, number>>;
  readonly ignored: IgnoredFiles;
  /** What the patch lacks, and why; the first of it. */
  readonly omitted: readonly Omission[];
  readonly omitted_truncated: boolean;
  readonly patch: string;
  readonly patch_truncated: boolean;
}

/** Ignored folders that are named. */
const maxIgnoredNamed = 20;
/** Omissions that are named. */
const maxOmittedNamed = 1000;

export async function diffWorkspace(request: DiffRequest): Promise<DiffResult> {
  const baseline = { ...request, source: readAhead(request.source) };
  const named = namedPaths(request.paths);
  const found = await findChanges(baseline, showIgnored(request, named));
  // Both sides are looked at: each may be what a path names.
  const changes = found.changes.filter(({ path, oldPath }) =>
    [path, oldPath].map((side) => side !== undefined && named.has(side)).includes(true),
  );
  const ignored = ignoredFiles(new Map([...found.ignored].filter(([path]) => named.has(path))));
  const gitFolders = found.gitFolders.filter((path) => named.has(path));
  await named.requireAll(request.seed);
  const output = openPatchOutput(request, changes.length > 0);
  const comparison = { ...baseline, conversions: await hostConversions(baseline, changes) };
  const parts = { comparison, found, changes, output };
  const { entries, counts, omissions, outcome } = await writeParts(parts, request);
  omissions.push(...gitFolders.map((path) => folderOmission(path, "git_folder")));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { patch, truncated } = output.result();
  return {
    entries,
    entries_truncated: total > entries.length,
    counts,
    ignored,
    omitted: omissions.slice(0, maxOmittedNamed),
    omitted_truncated: omissions.length > maxOmittedNamed,
    ...outcome,
    patch,
    patch_truncated: truncated,
  };
}

interface Parts {
  readonly comparison: PatchComparison;
  readonly found: FoundChanges;
  /** Those that are asked for. */
  readonly changes: readonly Change[];
  readonly output: PatchOutput;
}

async function writeParts({ comparison, found, changes, output }: Parts, { maxEntries }: DiffRequest) {
  const { source, signal } = comparison;
  const repositories = await repositoryChanges(found.changes, comparison);
  const named = new Set<BytePath>();
  const counts = { added: 0, modified: 0, deleted: 0, renamed: 0, type_changed: 0 };
  const entries: DiffEntry[] = [];
  const omissions: Omission[] = [];
  const outcome = collectOutcome();
  const reading = {
    source,
    upcoming: (change: Change) => (output.isOpen() ? upcomingContents(change) : []),
    hopeful: output.hopefulBytes,
    signal,
  };
  for await (const change of readingAhead(changes, reading)) {
    signal.throwIfAborted();
    const repository = repositories.get(change.path);
    const part =
      repository === undefined ? await partOf(change, comparison, output) : { omitted: "repository" as const };
    if (part.same === true) continue;
    outcome.add(change, part);
    counts[change.status] += 1;
    if (entries.length < maxEntries) entries.push(entryOf(change, part));
    if (repository === undefined) {
      if (part.omitted !== undefined) omissions.push(omissionOf(change, part.omitted));
    } else if (!named.has(repository)) {
      named.add(repository);
      omissions.push(folderOmission(repository, "repository"));
    }
  }
  return { entries, counts, omissions, outcome: outcome.result() };
}

type Part = Pick<ChangePatch, "binary" | "omitted" | "same" | "difference" | "filters">;

/** Puts the change's part into the patch, where there is one and it has room. */
async function partOf(change: Change, comparison: PatchComparison, output: PatchOutput): Promise<Part> {
  const known = omittedKind(change);
  if (!output.isOpen()) {
    const omitted = known ?? output.leftOut();
    return omitted === undefined ? {} : { omitted };
  }
  const part = await changePatch(change, comparison, output.left());
  if (part.same === true) return part;
  const size = Math.max(change.old?.size ?? 0, change.now?.size ?? 0);
  const lacking = part.tooLong === true ? output.refuse() : await output.add(part.text, size);
  return lacking === undefined ? part : { ...part, omitted: lacking };
}

/** Who names an ignored folder, or something in it, wants to see it. */
function showIgnored({ includeIgnored }: DiffRequest, { wanted }: NamedPaths): ShowIgnored {
  if (includeIgnored === true) return () => true;
  return (ignored) => wanted.some((path) => path === ignored || path.startsWith(`${ignored}/`));
}

function ignoredFiles(ignored: FoundChanges["ignored"]): IgnoredFiles {
  const named = [...ignored].slice(0, maxIgnoredNamed);
  return {
    file_count: [...ignored.values()].reduce((sum, { fileCount }) => sum + fileCount, 0),
    paths: named.map(([path, { isFolder }]) => `${displayPath(path)}${isFolder ? "/" : ""}`),
  };
}

function entryOf(change: Change, part: Part): DiffEntry {
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
