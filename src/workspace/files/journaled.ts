// Owns what calls do with a workspace's files that its journal tells of: write, patch, export, push. Never commands.
import { requireRoom } from "../../base/free-room.js";
import type { PatchParts } from "../../tree/patch/patch-parts.js";
import type { Task } from "../../base/progress.js";
import type { Inside } from "../access.js";
import type { HostCaller, WorkspaceParts } from "../parts.js";
import type { Workspace } from "../workspace.js";
import { writeText, type WriteRequest } from "./single.js";
import { applyPatch, exportFrom, pushInto, type ConfinedExport, type PushRequest } from "./transfer.js";

export async function journaledWrite({ session, workspace, signal }: Inside, request: WriteRequest) {
  await requireNote(workspace, "Writing a file");
  const written = await writeText(session, request, signal);
  await workspace.note({ type: "file_write", detail: written.path });
  return written;
}

export async function journaledPatch({ session, workspace, signal }: Inside, patch: PatchParts) {
  await requireNote(workspace, "Applying a patch");
  const applied = await applyPatch(session, patch, signal);
  await workspace.note({ type: "patch_apply", detail: applied.files.map((file) => file.path).join(", ") });
  return applied;
}

export async function journaledExport(
  parts: Pick<WorkspaceParts, "exports">,
  { session, workspace, signal }: Inside,
  { progress, ...request }: ConfinedExport & Pick<Task, "progress">,
) {
  await requireNote(workspace, "Exporting");
  const exported = await exportFrom(parts, { session, request }, { signal, progress });
  await workspace.note({ type: "export", detail: `${request.path} to ${request.outputPath}` });
  return exported;
}

interface Push {
  readonly request: PushRequest;
  readonly caller: HostCaller;
}

export async function journaledPush(
  parts: Pick<WorkspaceParts, "openHostTree" | "openHostFile">,
  { session, workspace, signal }: Inside,
  { request, caller }: Push,
) {
  await requireNote(workspace, "Pushing files");
  const { allowedRoots, hostGit, progress } = caller;
  const origin = workspace.record.seed?.origin_ref ?? null;
  const pushed = await pushInto(
    parts,
    { session, request, host: { allowedRoots, hostGit }, origin },
    { signal, progress },
  );
  await workspace.note({ type: "sync_push", detail: `${request.sourcePath} to ${pushed.dest}` });
  return pushed;
}

/** What is done has a line in the journal, whose room is asked for before. */
async function requireNote({ files }: Workspace, what: string): Promise<void> {
  await requireRoom({ path: files.folder, bytes: maxLineBytes, what });
}

/** Bytes of a line. */
const maxLineBytes = 16 * 1024;
