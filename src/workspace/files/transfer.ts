// Owns moving whole trees between a workspace and the host, and comparing them. Never lets either side choose a path.
import { basename, isAbsolute, join } from "node:path";
import { PyroError } from "../../base/error.js";
import type { AllowedRoots } from "../../base/host-roots.js";
import { call, say } from "../../base/say.js";
import { visibleLine } from "../../base/visible.js";
import { FileKind } from "../../guest/gen/pyro/guest/v1/files_pb.js";
import type { Task } from "../../base/progress.js";
import type { GuestSession } from "../../guest/session.js";
import { displayPath, trustedPath } from "../../tree/byte-path.js";
import { diffWorkspace } from "../../tree/diff/diff.js";
import type { CheckoutAbove } from "../../tree/diff/host-conversions.js";
import { seedTree } from "../../tree/diff/seed-tree.js";
import { repositoryIn } from "../../tree/export/entry-place.js";
import { applyLine, hostPlace, type HostPlace } from "../../tree/git/apply-line.js";
import { readWithin } from "../../tree/git/roots.js";
import { isGitName } from "../../tree/git/repository-names.js";
import { extractExport } from "../../tree/export/extract.js";
import { linkedPath, shownPath, workspacePath } from "./guest-path.js";
import { asFileError } from "../../guest/errors.js";
import { guestChanges } from "./guest-tree.js";
import { patchFiles } from "./patch-source.js";
import type { PatchParts } from "../../tree/patch/patch-parts.js";
import { planPatch } from "../../tree/patch/plan.js";
import { archiveName } from "../../tree/seed/read-archive.js";
import { byteProgress } from "../../tree/seed/byte-progress.js";
import { openSeedManifest } from "../../tree/seed/manifest.js";
import type { HostCaller, WorkspaceParts } from "../parts.js";
import { archiveOf, commitChanges, type FileToPut } from "./commit.js";
import { pushFile } from "./push-file.js";
import type { WorkspaceRecord } from "../record/record.js";
import type { Workspace } from "../workspace.js";

/** Entries that a diff names; the counts cover all. */
const maxDiffEntries = 10_000;

/** What one export may put on the host; free space bounds it as well. */
const maxSkippedListed = 1000;
const exportLimits = { maxEntries: 2_000_000, maxBytes: 64 * 1024 ** 3 };

export interface DiffRequest {
  /** Only the patch of these; all when empty. */
  readonly paths: readonly string[];
  readonly includeIgnored: boolean;
  readonly maxPatchCharacters: number;
  /** Takes the patch as it is made, in place of the result. */
  readonly writePatch?: (text: string) => Promise<void>;
}

export interface DiffQuestion {
  readonly workspace: Workspace;
  readonly request: DiffRequest;
}

export async function diffOf(session: GuestSession, { workspace, request }: DiffQuestion, signal: AbortSignal) {
  await using manifest = await openSeedManifest(workspace.files.seedManifest);
  if (request.paths.includes("")) {
    throw new PyroError("invalid_argument", "paths: an empty path names nothing.", {
      hint: "Name a file or folder under /workspace, or none for all of it.",
    });
  }
  const paths = request.paths.map((path) => workspacePath("paths", path));
  const place = await placeOf(workspace.record.seed);
  const result = await diffWorkspace({
    above: place === undefined ? undefined : checkoutAbove(place),
    source: guestChanges(session),
    seed: seedTree(manifest),
    signal,
    includeIgnored: request.includeIgnored,
    maxEntries: maxDiffEntries,
    maxPatchCharacters: request.maxPatchCharacters,
    ...(request.writePatch === undefined ? {} : { writePatch: request.writePatch }),
    ...(paths.length === 0 ? {} : { paths }),
  });
  const { filters, ...shown } = result;
  const total = Object.values(result.counts).reduce((sum, count) => sum + count, 0);
  return {
    ...shown,
    entries: [...result.entries],
    counts: { ...result.counts },
    ignored: { ...result.ignored, paths: [...result.ignored.paths] },
    omitted: [...result.omitted],
    differs: [...result.differs],
    apply: applyLine({ place, filters }),
    clean: total === 0,
  };
}

/** A workspace that was made from a folder belongs there. */
async function placeOf(seed: WorkspaceRecord["seed"]): Promise<HostPlace | undefined> {
  if (seed === null || seed.origin_ref === null || seed.origin_kind === "repo_url") return undefined;
  return hostPlace(seed.origin_ref);
}

/** What git reads there of attributes and settings, above the seed's own files. */
function checkoutAbove({ root, prefix }: HostPlace): CheckoutAbove | undefined {
  if (prefix === "") return undefined;
  return {
    prefix: trustedPath(Buffer.from(prefix).toString("latin1")),
    read: async (path, maxBytes) => {
      const content = await readWithin(join(root, displayPath(path)), { roots: [root], maxBytes });
      return typeof content === "string" ? undefined : content;
    },
  };
}

export async function applyPatch(session: GuestSession, patch: PatchParts, signal: AbortSignal) {
  const plan = await planPatch(patchFiles(session, signal), patch, signal);
  const put: FileToPut[] = [
    ...plan.writes.map(({ path, content, mode }) => ({ path: path.toString("latin1"), content, mode })),
    ...plan.symlinks.map(({ path, target }) => ({
      path: path.toString("latin1"),
      content: { linkTarget: target.toString("latin1") },
      mode: 0o777,
    })),
  ];
  if (put.length > 0 || plan.deletes.length > 0) {
    const archive = archiveOf(put, Math.floor(Date.now() / 1000));
    await commitChanges(session, { destination: new Uint8Array(), archive, remove: plan.deletes }, signal);
  }
  return { changed: plan.files.length > 0, alreadyApplied: plan.alreadyApplied, files: [...plan.files] };
}

export interface ExportRequest {
  readonly path: string;
  readonly outputPath: string;
  readonly force: boolean;
}

export interface ConfinedExport extends ExportRequest {
  /** Folders that the call may write to; all that the user may when absent. */
  readonly allowedRoots?: AllowedRoots;
}

export interface Export {
  readonly session: GuestSession;
  readonly request: ConfinedExport;
}

export async function exportFrom(
  { exports }: Pick<WorkspaceParts, "exports">,
  { session, request }: Export,
  { signal, progress }: Task,
) {
  requireAbsolute("output_path", request.outputPath);
  const path = workspacePath("path", request.path);
  refuseRepository(path);
  // /workspace itself has no name that its content could lie under.
  const contentOnly = path.length === 0;
  const skipped: { path: string; reason: string }[] = [];
  const onBytes = byteProgress(progress, `Copying ${shownPath(path)}`);
  async function* archive(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of session.files.pack({ path, contentOnly }, { signal })) {
        for (const [index, left] of piece.skipped.slice(0, maxSkippedListed - skipped.length).entries())
          skipped.push({ path: shownPath(left), reason: reasonOf(piece.skippedKinds[index]) });
        onBytes(piece.data.length);
        if (piece.data.length > 0) yield piece.data;
      }
    } catch (error) {
      throw asFileError(error, shownPath(path));
    }
  }
  const extracted = await extractExport({
    stream: archive(),
    target: request.outputPath,
    contentOnly,
    force: request.force,
    limits: exportLimits,
    allowedRoots: request.allowedRoots,
    whyNothing: (linkTarget) => nothingExported({ path, linkTarget, reason: skipped[0]?.reason }),
    exports,
    signal,
  });
  return {
    outputPath: request.outputPath,
    kind: extracted.kind,
    linkTarget: extracted.link_target,
    fileCount: extracted.file_count,
    byteCount: extracted.byte_count,
    skipped: [...skipped, ...extracted.skipped],
  };
}

/** What no archive holds; an agent of an earlier version does not say which it is. */
const unheld: ReadonlyMap<FileKind | undefined, string> = new Map([
  [FileKind.FIFO, "a named pipe (FIFO)"],
  [FileKind.SOCKET, "a socket"],
  [FileKind.DEVICE, "a device"],
  [FileKind.DIRECTORY, "a folder with something else mounted on it, or too deep"],
]);

function reasonOf(kind: FileKind | undefined): string {
  return unheld.get(kind) ?? "a pipe, socket or device";
}

interface Nothing {
  readonly path: Uint8Array;
  /** Where it leads, of a link that the caller may not have on the host. */
  readonly linkTarget: string | undefined;
  readonly reason: string | undefined;
}

function nothingExported({ path, linkTarget, reason }: Nothing): PyroError {
  const what = linkTarget === undefined ? reason : `a symbolic link to ${visibleLine(linkTarget)}`;
  const message = `path: ${shownPath(path)} is ${what ?? "empty to the agent"}, which is not exported. Nothing was written.`;
  if (linkTarget === undefined)
    return new PyroError("failed_precondition", message, {
      hint: "Export a file or folder; write what it yields to a file inside first, and export that.",
    });
  const leadsTo = linkedPath(shownPath(path), linkTarget);
  return new PyroError("failed_precondition", message, {
    hint:
      leadsTo === undefined
        ? "It leads out of /workspace: copy what it leads to inside, by `cp -L`, and export the copy."
        : say`Export what it leads to: ${call("workspace_export", { path: leadsTo })}.`,
  });
}

/** What an export leaves out is not exported by its own name either. */
function refuseRepository(path: Uint8Array): void {
  if (repositoryIn(Buffer.from(path).toString("latin1")) === undefined) return;
  throw new PyroError(
    "permission_denied",
    `path: ${shownPath(path)} is inside a .git folder, which is never exported: its hooks and settings could run on the host.`,
    {
      hint: "For commits: `git bundle create /workspace/work.bundle HEAD` inside, export that file, and `git fetch` it on the host.",
    },
  );
}

export interface PushRequest {
  readonly sourcePath: string;
  /**
   * What a folder holds goes right in there, a file into that folder or under that name; by default both go into /workspace
   * under their own names.
   */
  readonly dest?: string | undefined;
  readonly allowHostPaths: readonly string[];
}

export interface Push {
  readonly session: GuestSession;
  readonly request: PushRequest;
  /** Who names the path. */
  readonly host: Pick<HostCaller, "allowedRoots" | "hostGit">;
  /** What the workspace was made from: its place is /workspace itself. */
  readonly origin: string | null;
}

export async function pushInto(
  { openHostTree, openHostFile }: Pick<WorkspaceParts, "openHostTree" | "openHostFile">,
  { session, request, host, origin }: Push,
  task: Task,
) {
  requireAbsolute("source_path", request.sourcePath);
  const given = request.dest === undefined ? undefined : placeFor("dest", request.dest);
  const { allowedRoots, hostGit } = host;
  const source = { path: request.sourcePath, allowedRoots };
  // What is to have the name of an archive is not to be unpacked.
  await using file = await openHostFile({ ...source, asItIs: archiveName.test(request.dest ?? "") }, task);
  if (file !== undefined) {
    const dest = given ?? workspacePath("dest", "/workspace");
    const nameIn = (folder: Uint8Array, name: string) => placeFor("source_path", `${shownPath(folder)}/${name}`);
    return await pushFile(session, { file, dest, isFolder: request.dest?.endsWith("/") === true, nameIn }, task.signal);
  }
  const { allowHostPaths } = request;
  const tree = await openHostTree({ ...source, allowHostPaths, origin: origin ?? undefined, hostGit }, task);
  const isWhole = tree.folder === undefined || tree.folder === origin;
  const destination = given ?? placeFor("source_path", isWhole ? "/workspace" : basename(request.sourcePath));
  const staged = await commitChanges(session, { destination, archive: tree.archive, remove: [] }, task.signal);
  return {
    fileCount: staged.fileCount,
    byteCount: staged.byteCount,
    dest: shownPath(destination),
    skipped: [...tree.skipped],
  };
}

/** Where files may be pushed to: a workspace's own history is not to be overwritten. */
function placeFor(field: string, path: string): Uint8Array<ArrayBuffer> {
  const place = workspacePath(field, path);
  if (!Buffer.from(place).toString("latin1").split("/").some(isGitName)) return place;
  throw new PyroError(
    "permission_denied",
    `${field}: ${shownPath(place)} is inside a .git folder, which no push changes.`,
    {
      hint: "Push the files; for commits, push a bundle (`git bundle create`) and `git fetch` it inside.",
    },
  );
}

function requireAbsolute(field: string, path: string): void {
  if (isAbsolute(path)) return;
  throw new PyroError("invalid_argument", `${field}: ${JSON.stringify(path)} must be absolute.`);
}
