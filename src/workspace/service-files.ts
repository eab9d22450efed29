// Owns the part of the service that is about files: list, read, write, patch, diff, export, sync. Never commands.
import { requireRoom } from "../base/free-room.js";
import { listFolder, readText, writeText } from "./files/single.js";
import { enter, type Inside, type Needing, type NeedInside } from "./access.js";
import type { HostCaller, WorkspaceServices } from "./services.js";
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

type InsideCall = Needing<NeedInside>;

export function fileOperations(services: WorkspaceServices) {
  const inside = <Result>({ workspace_id: id }: Named, call: InsideCall, work: (inside: Inside) => Promise<Result>) =>
    enter(services, { id, needs: call.needs, work }, call);
  return {
    listFiles: (request: ListInput, call: InsideCall) =>
      inside(request, call, ({ session, signal }) =>
        listFolder(session, { ...request, maxEntries: request.max_entries }, signal),
      ),

    readFile: (request: ReadInput, call: InsideCall) =>
      inside(request, call, ({ session, signal }) =>
        readText(session, { ...request, maxBytes: request.max_bytes }, signal),
      ),

    writeFile: (request: { workspace_id: string; path: string; text: string }, call: InsideCall) =>
      inside(request, call, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Writing a file");
        const written = await writeText(session, request, signal);
        await workspace.note({ type: "file_write", detail: written.path });
        return written;
      }),

    applyPatch: (request: { workspace_id: string; patch: string }, call: InsideCall) =>
      inside(request, call, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Applying a patch");
        const applied = await applyPatch(session, request.patch, signal);
        await workspace.note({ type: "patch_apply", detail: applied.files.map((file) => file.path).join(", ") });
        return applied;
      }),

    diff: (request: DiffInput, call: InsideCall) =>
      inside(request, call, ({ session, workspace, signal }) => diffOf(session, { workspace, request }, signal)),

    export: (request: ExportInput, call: InsideCall & HostCaller) =>
      inside(request, call, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Exporting");
        const confined = { ...request, allowedRoots: call.allowedRoots };
        const exported = await exportFrom(services, { session, request: confined }, signal);
        await workspace.note({ type: "export", detail: `${request.path} to ${request.output_path}` });
        return exported;
      }),

    pushSync: (request: PushRequest & { workspace_id: string }, call: InsideCall & HostCaller) =>
      inside(request, call, async ({ session, workspace, signal }) => {
        await requireNote(workspace, "Pushing files");
        const pushed = await pushInto(
          services,
          { session, request, allowedRoots: call.allowedRoots, origin: workspace.record.seed?.origin_ref ?? null },
          { ...call, signal },
        );
        await workspace.note({ type: "sync_push", detail: `${request.source_path} to ${pushed.dest}` });
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
