// Owns the part of the service that is about whole workspaces: create, list, update, status, reset, stop, start, delete.
import { setTimeout as delay } from "node:timers/promises";
import { PyroError } from "../base/error.js";
import { field, say } from "../base/say.js";
import { enter, wake, type Needing } from "./access.js";
import { beginCreation, type Creation } from "./life/create.js";
import { deleteWorkspace, resetWorkspace, stopWorkspace } from "./life/lifecycle.js";
import type { SeedChoice } from "../tree/seed/request.js";
import type { WorkspaceCaller, WorkspaceServices } from "./services.js";
import { maxLabels } from "./record/record.js";
import type { WorkspaceStore } from "./record/store.js";
import { workspaceStatus } from "./status.js";
import { newerView, workspaceView } from "./view.js";
import type { Workspace } from "./workspace.js";

export interface CreateInput extends SeedChoice {
  readonly environment: string;
  readonly name?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly vcpu_count: number;
  readonly mem_mib: number;
  readonly ttl_seconds: number;
  readonly wait_seconds: number;
}

export interface UpdateInput {
  readonly workspace_id: string;
  readonly name?: string | undefined;
  readonly clear_name: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly clear_labels: readonly string[];
}

export function lifeOperations(services: WorkspaceServices) {
  const { store, machines } = services;
  /** Another state of it is the work; the result is how it is then. */
  const changed = (id: string, call: Needing<"stopped">, change: (workspace: Workspace) => Promise<unknown>) => {
    const work = async (workspace: Workspace) => {
      await change(workspace);
      return workspaceView(workspace);
    };
    return enter(services, { id, needs: call.needs, work }, call);
  };
  return {
    create: (request: CreateInput, caller: WorkspaceCaller) => createWorkspace(services, request, caller),

    list: () => ({
      workspaces: store.all().map(workspaceView),
      quarantined: [...store.quarantined],
      newer: store.newer.map(newerView),
    }),

    update(request: UpdateInput, call: Needing<"record">) {
      const work = (workspace: Workspace) => updateWorkspace(store, workspace, request);
      return enter(services, { id: request.workspace_id, needs: call.needs, work }, call);
    },

    status: (id: string, call: Needing<"record">) =>
      enter(services, { id, needs: call.needs, work: workspaceStatus }, call),

    reset: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => resetWorkspace(machines, it, call)),
    stop: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => stopWorkspace(it, call.signal)),
    start: (id: string, call: Needing<"stopped">) => changed(id, call, (it) => wake(machines, it, call)),

    delete(id: string, call: Needing<"stopped">) {
      const work = async (workspace: Workspace) => {
        await deleteWorkspace(store, workspace);
        return { workspace_id: workspace.id, deleted: true };
      };
      return enter(services, { id, needs: call.needs, work }, call);
    },
  };
}

async function updateWorkspace(store: WorkspaceStore, workspace: Workspace, request: UpdateInput) {
  if (request.name !== undefined) {
    if (request.clear_name) throw new PyroError("invalid_argument", "name and clear_name contradict each other.");
    store.checkNameIsFree(request.name, workspace);
  }
  const name = request.clear_name ? null : (request.name ?? workspace.record.name);
  const kept = Object.entries(workspace.record.labels).filter(([key]) => !request.clear_labels.includes(key));
  const labels = { ...Object.fromEntries(kept), ...request.labels };
  const added = Object.keys(request.labels).length > 0;
  if (added && Object.keys(labels).length > maxLabels) {
    throw new PyroError("invalid_argument", `A workspace has at most ${maxLabels} labels.`, {
      hint: say`Take some away in the same call: ${field("workspace_update", "clear_labels")}.`,
    });
  }
  await workspace.save({ name, labels });
  return workspaceView(workspace);
}

/** Answers when it is done or the caller's time is over; a caller that leaves before takes it back. */
async function createWorkspace(services: WorkspaceServices, request: CreateInput, caller: WorkspaceCaller) {
  if (services.unusable !== undefined) throw services.unusable;
  const taken = new AbortController();
  const leave = () => taken.abort(caller.signal.reason);
  caller.signal.addEventListener("abort", leave, { once: true });
  const task = { signal: AbortSignal.any([taken.signal, services.shutdown]), progress: caller.progress };
  try {
    const creation = await beginCreation(
      services,
      {
        environment: request.environment,
        name: request.name,
        labels: request.labels,
        vcpuCount: request.vcpu_count,
        memMib: request.mem_mib,
        ttlSeconds: request.ttl_seconds,
        prepareSeed: (inner) =>
          services.prepareSeed({ ...request, sshAgent: caller.sshAgent, allowedRoots: caller.allowedRoots }, inner),
      },
      task,
    );
    await doneWithin(creation, request.wait_seconds * 1000);
    return workspaceView(creation.workspace);
  } finally {
    caller.signal.removeEventListener("abort", leave);
  }
}

async function doneWithin({ done }: Creation, limitMs: number): Promise<void> {
  const over = new AbortController();
  const limit = delay(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    await Promise.race([done, limit]);
  } finally {
    over.abort();
  }
}
