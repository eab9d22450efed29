// Owns working out what a patch does to a workspace: all of it is checked before anything is handed back. Never changes a file.
import { PyroError } from "../../base/error.js";
import { Turns } from "../../base/in-turns.js";
import type { Keep } from "../../base/spool.js";
import { type BytePath, displayPath } from "../byte-path.js";
import { newContent } from "./new-content.js";
import { type InsideConversions, insideConversions } from "./inside-conversions.js";
import { type PatchParts, loadPart, readPatch } from "./patch-parts.js";
import { reversePatch } from "./reverse-patch.js";
import { type CheckedPatch, settleNames } from "./settle-names.js";
import type { PatchFiles, PatchPlan, PatchedFile, Version } from "./patch-files.js";
import type { FilePatch } from "./patch-text.js";
import { WorkingTree } from "./working-tree.js";

/** `invalid_argument` for a patch that is none, `failed_precondition` for one that does not fit. */
export async function planPatch(
  files: PatchFiles,
  patch: string | Uint8Array | PatchParts,
  signal: AbortSignal,
): Promise<PatchPlan> {
  const given = typeof patch === "string" ? Buffer.from(patch, "utf8") : patch;
  const read = given instanceof Uint8Array ? await readPatch([given], inMemory, signal) : given;
  const { keep } = read;
  const steps = read.parts.map((part): Step => ({ head: part.head, load: () => loadPart(part) }));
  try {
    return { ...(await planFiles({ files, keep }, steps, signal)), alreadyApplied: false };
  } catch (error) {
    // What a patch has done already fits backwards.
    const isMisfit = error instanceof PyroError && error.code === "failed_precondition";
    const applied = isMisfit && (await fitsBackwards({ files, keep }, steps, signal));
    if (!applied) throw error;
    return { writes: [], symlinks: [], deletes: [], files: [], alreadyApplied: true };
  }
}

const inMemory: Keep = async (bytes) => bytes;

/** One file of the patch, whose changes are at hand when it is its turn. */
interface Step {
  readonly head: FilePatch;
  load(): Promise<FilePatch>;
}

/** What the patch is for, and where its long contents lie meanwhile. */
interface Basis {
  readonly files: PatchFiles;
  readonly keep: Keep;
}

async function fitsBackwards(basis: Basis, steps: readonly Step[], signal: AbortSignal): Promise<boolean> {
  const back = steps.toReversed().map(({ head, load }): Step => {
    return { head: reversePatch(head), load: async () => reversePatch(await load()) };
  });
  try {
    await planFiles(basis, back, signal);
    return true;
  } catch (error) {
    if (error instanceof PyroError && error.code !== "internal") return false;
    throw error;
  }
}

async function planFiles(
  { files, keep }: Basis,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<Omit<PatchPlan, "alreadyApplied">> {
  const tree = new WorkingTree(files, keep);
  const turns = new Turns();
  const checked: { readonly file: CheckedPatch; readonly load: Step["load"] }[] = [];
  for (const { head, load } of steps) {
    signal.throwIfAborted();
    if (turns.due()) await turns.pause();
    checked.push({ file: await settleNames(tree, head), load });
  }
  // As git does it, a path that any part of the patch frees can be taken by any other, whatever their order.
  for (const { file } of checked) if (frees(file) && file.oldPath !== undefined) tree.willBeFree(file.oldPath);
  const conversions = await insideConversions(
    files,
    checked.map(({ file }) => file),
    signal,
  );
  const done: PatchedFile[] = [];
  for (const { file, load } of checked) {
    signal.throwIfAborted();
    if (turns.due()) await turns.pause();
    const { hunks, binary } = await load();
    done.push(await applyFile(tree, { ...file, hunks, binary }, conversions));
  }
  return { ...(await tree.finish()), files: mergeFiles(done) };
}

function frees(file: FilePatch): boolean {
  return file.action === "delete" || file.action === "rename";
}

async function applyFile(tree: WorkingTree, file: CheckedPatch, conversions: InsideConversions): Promise<PatchedFile> {
  const { oldPath, newPath } = file;
  const isMove = file.action === "rename" || file.action === "copy";
  // Renames and copies are from what was there before the patch; other parts build on each other.
  const old = oldPath === undefined ? undefined : await (isMove ? tree.original(oldPath) : tree.current(oldPath));
  if (oldPath !== undefined && old === undefined && !file.mayAdd) throw missing(oldPath, file);
  if (old !== undefined) checkKind(file, old);
  const path = newPath ?? oldPath;
  if (path === undefined) throw new PyroError("internal", "A part of the patch has no name.");
  const isAdded = old === undefined || isMove;
  if (isAdded) await tree.checkFree(path, file.atLine);
  const isLink = old?.isLink === true || file.newMode === 0o120000;
  const ways = { reading: await conversions.reading(oldPath ?? path), writing: await conversions.writing(path) };
  const content = newContent(file, old, isLink ? undefined : ways);
  if (file.action === "delete") {
    if (content.length > 0) throw notEmptied(path, file);
    tree.remove(path);
    return { path: displayPath(path), change: "deleted" };
  }
  if (file.action === "rename" && oldPath !== undefined) tree.remove(oldPath);
  await tree.write(path, newVersion(file, old, content));
  const change = isMove ? (file.action === "rename" ? "renamed" : "copied") : isAdded ? "added" : "modified";
  return {
    path: displayPath(path),
    change,
    ...(isMove && oldPath !== undefined ? { old_path: displayPath(oldPath) } : {}),
  };
}

function newVersion(file: FilePatch, old: Version | undefined, content: Buffer): Version {
  const stated = file.newMode;
  if (stated === undefined) return { mode: old?.mode ?? 0o644, isLink: old?.isLink ?? false, content };
  if (stated === 0o120000) return { mode: 0o777, isLink: true, content };
  const isExecutable = (stated & 0o100) !== 0;
  // What git does not track of the old mode stays.
  const keeps = old !== undefined && !old.isLink && ((old.mode & 0o100) !== 0) === isExecutable;
  return { mode: keeps ? old.mode : isExecutable ? 0o755 : 0o644, isLink: false, content };
}

function checkKind(file: CheckedPatch, old: Version): void {
  const stated = file.oldMode ?? (file.action === "modify" || file.action === "rename" ? file.newMode : undefined);
  const path = displayPath(file.oldPath ?? "");
  if (stated !== undefined && (stated === 0o120000) !== old.isLink) {
    const kinds = old.isLink
      ? "a symbolic link, in the patch a regular file"
      : "a regular file, in the patch a symbolic link";
    throw new PyroError("failed_precondition", `${path} is ${kinds}.`, { details: { path, patch_line: file.atLine } });
  }
  if (stated !== undefined && file.newMode !== undefined && (file.newMode === 0o120000) !== old.isLink) {
    throw new PyroError(
      "invalid_argument",
      `The patch makes ${path} another type of file; git does that by deleting and adding.`,
      {
        details: { path, patch_line: file.atLine },
      },
    );
  }
}

function missing(path: BytePath, file: FilePatch): PyroError {
  const name = displayPath(path);
  return new PyroError("failed_precondition", `The patch is for ${name}, which is not there.`, {
    hint: "Names in a patch are relative to /workspace. List the files and correct the name; a new file has `--- /dev/null`.",
    details: { path: name, patch_line: file.atLine },
  });
}

function notEmptied(path: BytePath, file: FilePatch): PyroError {
  const name = displayPath(path);
  return new PyroError(
    "failed_precondition",
    `The patch deletes ${name}, but the file has more than the lines it removes.`,
    {
      hint: "Read the file as it is now and make the patch against that. Nothing was changed.",
      details: { path: name, patch_line: file.atLine },
    },
  );
}

/** One line for each path: a file deleted and added again is modified. */
function mergeFiles(files: readonly PatchedFile[]): PatchedFile[] {
  const byPath = new Map<string, PatchedFile>();
  for (const file of files) {
    const before = byPath.get(file.path);
    const replaced = before?.change === "deleted" && file.change === "added";
    if (before === undefined) byPath.set(file.path, file);
    else if (replaced) byPath.set(file.path, { ...file, change: "modified" });
    else if (file.change === "deleted") byPath.set(file.path, file);
  }
  return [...byPath.values()];
}
