// Owns the part of the service that is about files: list, read, write, patch, diff, export, sync. Never commands.
import { requireRoom } from "../base/free-room.js";
import type { Task } from "../base/progress.js";
import { listFolder, readText, writeText } from "./files/single.js";
import { insideWorkspace, type HostCaller, type WorkspaceServices } from "./services.js";
import type { Workspace } from "./workspace.js";
import { applyPatch, diffOf, exportFrom, pushInto, type PushRequest } from "./files/transfer.js";

export interface ListInput {
  readonly workspace_id: string;
  readonly path: string;
  readonly recursive: boolean;
  readonly max_entries: number;
}

export interface ReadInput {
  readonly workspace_id: string;
  readonly path: string;
  readonly offset: number;
  readonly max_bytes: number;
}

export interface DiffInput {
  readonly workspace_id: string;
  readonly paths: readonly string[];
  readonly include_ignored: boolean;
  readonly max_patch_characters: number;
}

export interface ExportInput {
  readonly workspace_id: string;
  readonly path: string;
  readonly output_path: string;
  readonly force: boolean;
}

interface Named {
  readonly workspace_id: string;
}

export function fileOperations(services: WorkspaceServices) {
  const alone = ({ workspace_id: id }: Named) => ({ services, access: { id, alone: true } });
  const beside = ({ workspace_id: id }: Named) => ({ services, access: { id, alone: false } });
  return {
    listFiles: (request: ListInput, task: Task) =>
      insideWorkspace(beside(request), task, ({ session, signal }) =>
        listFolder(session, { ...request, maxEntries: request.max_entries }, signal),
      ),

    readFile: (request: ReadInput, task: Task) =>
      insideWorkspace(beside(request), task, ({ session, signal }) =>
        readText(session, { ...request, maxBytes: request.max_bytes }, signal),
      ),

    writeFile: (request: { workspace_id: string; path: string; text: string }, task: Task) =>
      insideWorkspace(alone(request), task, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Writing a file");
        const written = await writeText(session, request, signal);
        await workspace.note({ type: "file_write", detail: written.path });
        return written;
      }),

    applyPatch: (request: { workspace_id: string; patch: string }, task: Task) =>
      insideWorkspace(alone(request), task, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Applying a patch");
        const applied = await applyPatch(session, request.patch, signal);
        await workspace.note({ type: "patch_apply", detail: applied.files.map((file) => file.path).join(", ") });
        return applied;
      }),

    diff: (request: DiffInput, task: Task) =>
      insideWorkspace(beside(request), task, ({ session, workspace, signal }) =>
        diffOf(session, { workspace, request }, signal),
      ),

    export: (request: ExportInput, task: HostCaller) =>
      insideWorkspace(beside(request), task, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Exporting");
        const confined = { ...request, allowedRoots: task.allowedRoots };
        const exported = await exportFrom(services, { session, request: confined }, signal);
        await workspace.note({ type: "export", detail: `${request.path} to ${request.output_path}` });
        return exported;
      }),

    pushSync: (request: PushRequest & { workspace_id: string }, task: HostCaller) =>
      insideWorkspace(alone(request), task, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Pushing files");
        const pushed = await pushInto(
          services,
          { session, request, allowedRoots: task.allowedRoots },
          { ...task, signal },
        );
        await workspace.note({ type: "sync_push", detail: `${request.source_path} to ${request.dest}` });
        return pushed;
      }),
  };
}

/** What is done has a line in the journal, whose room is asked for before. */
async function requireNote({ files }: Workspace, what: string): Promise<void> {
  await requireRoom({ path: files.folder, bytes: maxLineBytes, what });
}

/** Bytes of a line. */
const maxLineBytes = 16 * 1024;
