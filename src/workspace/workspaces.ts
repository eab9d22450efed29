// Owns what the daemon offers to do with workspaces: each domain function behind the one door. Never renames, and does nothing by itself.
import { Spool } from "../base/spool.js";
import { readPatch } from "../tree/patch/patch-parts.js";
import { enter, wake, type Inside, type Needing, type NeedInside } from "./access.js";
import { journaledExport, journaledPatch, journaledPush, journaledWrite } from "./files/journaled.js";
import { listFolder, readText, type ListRequest, type ReadRequest, type WriteRequest } from "./files/single.js";
import { diffOf, type DiffRequest, type ExportRequest, type PushRequest } from "./files/transfer.js";
import { createWorkspace, type CreateRequest } from "./life/create.js";
import { deleteWorkspace, resetWorkspace, stopWorkspace } from "./life/lifecycle.js";
import { updateWorkspace, type UpdateRequest } from "./life/update.js";
import type { HostCaller, SeedCaller, WorkspaceParts } from "./parts.js";
import { execInWorkspace, waitInWorkspace } from "./program/exec.js";
import type { ExecCaller, ExecRequest, WaitRequest } from "./program/exec.js";
import { commandHistory, commandOutput, summarize, workspaceNotes, type OutputRange } from "./program/history.js";
import { workspaceStatus } from "./status.js";
import type { Workspace } from "./workspace.js";

export type Workspaces = ReturnType<typeof openWorkspaces>;

/** Id, unique prefix of one, or name of a workspace. */
interface Named {
  readonly id: string;
}

type InsideCall = Needing<NeedInside>;

interface PatchRequest {
  /** As it comes where it is not there as a whole. */
  readonly patch: string | AsyncIterable<Uint8Array>;
}

export function openWorkspaces(parts: WorkspaceParts) {
  return { ...lives(parts), ...commands(parts), ...files(parts) };
}

function lives(parts: WorkspaceParts) {
  const { store, machines } = parts;
  /** The result is the workspace as the work leaves it. */
  const changed = (id: string, call: Needing<"stopped">, change: (workspace: Workspace) => Promise<unknown>) =>
    enter(parts, { id, needs: call.needs, work: (it) => change(it).then(() => it) }, call);
  return {
    create: (request: CreateRequest, caller: SeedCaller) => createWorkspace(parts, request, caller),
    list: () => ({ workspaces: store.all(), quarantined: store.quarantined, newer: store.newer }),
    status: (id: string, call: Needing<"record">) =>
      enter(parts, { id, needs: call.needs, work: workspaceStatus }, call),
    update: ({ id, ...request }: UpdateRequest & Named, call: Needing<"record">) =>
      enter(parts, { id, needs: call.needs, work: (it) => updateWorkspace(store, it, request) }, call),
    reset: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => resetWorkspace(machines, it, call)),
    stop: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => stopWorkspace(it, call.signal)),
    start: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => wake(machines, it, call)),
    delete: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => deleteWorkspace(store, it)),
  };
}

function commands(parts: WorkspaceParts) {
  const onRecord = <Result>(id: string, call: Needing<"record">, work: (workspace: Workspace) => Promise<Result>) =>
    enter(parts, { id, needs: call.needs, work }, call);
  return {
    exec: ({ id, ...request }: ExecRequest & Named, caller: ExecCaller & InsideCall) =>
      execInWorkspace({ ...parts, id, needs: caller.needs }, { request, caller }),
    wait: ({ id, ...request }: WaitRequest & Named, call: Needing<"record">) =>
      onRecord(id, call, (it) => waitInWorkspace(it, request, call)),
    history: (id: string, call: Needing<"record">) =>
      onRecord(id, call, async (it) => {
        const [entries, notes] = await Promise.all([commandHistory(it), workspaceNotes(it)]);
        return { workspace: it, entries, notes };
      }),
    output: ({ id, ...range }: OutputRange & Named, call: Needing<"record">) =>
      onRecord(id, call, async (it) => ({ workspace: it, ...(await commandOutput(it, range)) })),
    async summary(id: string, call: InsideCall) {
      const request = { paths: [], includeIgnored: false, maxPatchCharacters: 0 };
      const work = async ({ session, workspace, signal }: Inside) => {
        const { entries } = await diffOf(session, { workspace, request }, signal);
        return { workspace, entries };
      };
      const { workspace, entries } = await enter(parts, { id, needs: call.needs, work }, call);
      return { workspace, summary: await summarize(workspace, { entries }) };
    },
  };
}

function files(parts: WorkspaceParts) {
  const inside = <Result>({ id }: Named, call: InsideCall, work: (inside: Inside) => Promise<Result>) =>
    enter(parts, { id, needs: call.needs, work }, call);
  return {
    listFiles: (request: ListRequest & Named, call: InsideCall) =>
      inside(request, call, ({ session, signal }) => listFolder(session, request, signal)),
    readFile: (request: ReadRequest & Named, call: InsideCall) =>
      inside(request, call, ({ session, signal }) => readText(session, request, signal)),
    writeFile: (request: WriteRequest & Named, call: InsideCall) =>
      inside(request, call, (it) => journaledWrite(it, request)),
    /** Read to its end before the workspace is entered: whoever writes it slowly holds nobody up. */
    applyPatch: async (request: PatchRequest & Named, call: InsideCall) => {
      const { folder } = parts.store.find(request.id).files;
      await using spool = new Spool(folder, "patch");
      const text = typeof request.patch === "string" ? [Buffer.from(request.patch)] : request.patch;
      const patch = await readPatch(text, spool.keep, call.signal);
      return await inside(request, call, (it) => journaledPatch(it, patch));
    },
    diff: (request: DiffRequest & Named, call: InsideCall) =>
      inside(request, call, ({ session, workspace, signal }) => diffOf(session, { workspace, request }, signal)),
    export: (request: ExportRequest & Named, call: InsideCall & HostCaller) =>
      inside(request, call, (it) =>
        journaledExport(parts, it, { ...request, allowedRoots: call.allowedRoots, progress: call.progress }),
      ),
    pushSync: (request: PushRequest & Named, call: InsideCall & HostCaller) =>
      inside(request, call, (it) => journaledPush(parts, it, { request, caller: call })),
  };
}
