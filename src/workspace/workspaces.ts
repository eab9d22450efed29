// Owns the workspaces service: what each operation does, on which workspace, under which lock. Never the doing itself.
import type { Readable } from "node:stream";
import type { Task } from "../base/progress.js";
import { PyroError } from "../base/error.js";
import type { GuestSession } from "../machine/guest-session.js";
import { beginCreation, type CreateServices, type PreparedSeed } from "./create.js";
import { setTimeout as delay } from "node:timers/promises";
import { execInWorkspace, waitInWorkspace } from "./exec.js";
import { listFolder, readText, writeText } from "./files.js";
import { commandHistory, commandOutput, summarize } from "./history.js";
import { deleteWorkspace, resetWorkspace, startWorkspace, stopWorkspace } from "./lifecycle.js";
import { requireLive, wake } from "./running.js";
import { workspaceStatus } from "./status.js";
import { applyPatch, diffOf, exportFrom, pushInto, type TransferServices } from "./transfer.js";
import { execView, workspaceView } from "./view.js";
import type { Workspace } from "./workspace.js";

/** Where a workspace's files come from; the first that is given counts, none means an empty /workspace. */
export interface SeedChoice {
  readonly seed_path?: string | undefined;
  readonly project_path?: string | undefined;
  readonly repo_url?: string | undefined;
  readonly repo_ref?: string | undefined;
}

export interface WorkspaceCaller extends Task {
  readonly stdin: Readable | undefined;
  readonly streaming: boolean;
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
  onSignal(listener: (name: string) => void): void;
}

export interface WorkspaceServices extends CreateServices, TransferServices {
  readonly prepareSeed: (choice: SeedChoice, task: Task) => Promise<PreparedSeed>;
  /** Aborted when the daemon ends. */
  readonly shutdown: AbortSignal;
}

export type Workspaces = ReturnType<typeof openWorkspaces>;

export function openWorkspaces(services: WorkspaceServices) {
  const { store, machines } = services;

  /** Runs work that needs the machine: started where needed, beside others or alone. */
  const inside = async <Result>(
    { id, alone }: { readonly id: string; readonly alone: boolean },
    task: Task,
    work: (inner: Inside) => Promise<Result>,
  ): Promise<Result & { restarted: boolean }> => {
    const workspace = store.find(id);
    const { restarted } = await wake(machines, workspace, task);
    const run = () => {
      const { session, machine } = requireLive(workspace);
      return work({ session, workspace, signal: AbortSignal.any([task.signal, machine.stalled()]) });
    };
    const result = await (alone ? workspace.lock.exclusive(task.signal, run) : workspace.lock.shared(task.signal, run));
    return { ...result, restarted };
  };

  return {
    async create(request: CreateInput, caller: WorkspaceCaller) {
      // The caller may leave before it is done, when it only waits for so long.
      const taken = new AbortController();
      const leave = () => taken.abort(caller.signal.reason);
      caller.signal.addEventListener("abort", leave, { once: true });
      const task = { signal: AbortSignal.any([taken.signal, services.shutdown]), progress: caller.progress };
      const { workspace, done } = await beginCreation(
        services,
        {
          environment: request.environment,
          name: request.name,
          labels: request.labels,
          vcpuCount: request.vcpu_count,
          memMib: request.mem_mib,
          ttlSeconds: request.ttl_seconds,
          prepareSeed: (inner) => services.prepareSeed(request, inner),
        },
        task,
      );
      const over = new AbortController();
      const limit = delay(request.wait_seconds * 1000, undefined, { signal: over.signal }).catch(() => undefined);
      try {
        await Promise.race([done, limit]);
      } finally {
        over.abort();
        caller.signal.removeEventListener("abort", leave);
      }
      return workspaceView(workspace);
    },

    list: () => ({ workspaces: store.all().map(workspaceView), quarantined: [...store.quarantined] }),

    async update(request: UpdateInput) {
      const workspace = store.find(request.workspace_id);
      if (request.name !== undefined) {
        if (request.clear_name) throw new PyroError("invalid_argument", "name and clear_name contradict each other.");
        store.checkNameIsFree(request.name, workspace);
      }
      const name = request.clear_name ? null : (request.name ?? workspace.record.name);
      const kept = Object.entries(workspace.record.labels).filter(([key]) => !request.clear_labels.includes(key));
      await workspace.save({ name, labels: { ...Object.fromEntries(kept), ...request.labels } });
      return workspaceView(workspace);
    },

    status: (id: string) => workspaceStatus(store.find(id)),

    async reset(id: string, task: Task) {
      const workspace = store.find(id);
      await resetWorkspace(machines, workspace, task);
      return workspaceView(workspace);
    },

    async stop(id: string, task: Task) {
      const workspace = store.find(id);
      await stopWorkspace(workspace, task.signal);
      return workspaceView(workspace);
    },

    async start(id: string, task: Task) {
      const workspace = store.find(id);
      await startWorkspace(machines, workspace, task);
      return workspaceView(workspace);
    },

    async delete(id: string, task: Task) {
      const workspace = store.find(id);
      await deleteWorkspace(store, workspace, task.signal);
      return { workspace_id: workspace.id, deleted: true };
    },

    async exec(request: ExecInput, caller: WorkspaceCaller) {
      const workspace = store.find(request.workspace_id);
      const listener = caller.streaming && !request.detach ? caller.output.bind(caller) : undefined;
      const result = await execInWorkspace(machines, workspace, {
        request: {
          command: request.command,
          cwd: request.cwd,
          timeoutMs: Math.round(request.timeout_seconds * 1000),
          waitMs: request.detach ? 0 : request.wait_seconds * 1000,
          outputBytes: listener === undefined ? request.max_output_bytes : 0,
        },
        caller: {
          signal: caller.signal,
          progress: caller.progress,
          stdin: request.detach ? undefined : caller.stdin,
          listener,
          onSignal: (listen) => caller.onSignal(listen),
        },
      });
      return execView(workspace, result);
    },

    async wait(request: WaitInput, task: Task) {
      const workspace = store.find(request.workspace_id);
      const { sequence, wait_seconds: seconds, max_output_bytes: outputBytes } = request;
      return execView(workspace, await waitInWorkspace(workspace, { sequence, waitMs: seconds * 1000, outputBytes }, task));
    },

    async logs(request: LogsInput) {
      const workspace = store.find(request.workspace_id);
      const { sequence, stream, offset, max_bytes: maxBytes } = request;
      const nothing = { output: null, next_offset: null, total_bytes: null };
      if (sequence === undefined) {
        return { workspace_id: workspace.id, entries: await commandHistory(workspace), ...nothing };
      }
      const output = await commandOutput(workspace, { sequence, stream, offset, maxBytes });
      return { workspace_id: workspace.id, entries: [], ...output };
    },

    async summary(id: string, task: Task) {
      const workspace = store.find(id);
      const facts = { paths: [], max_patch_characters: 0 };
      const { entries } = await inside({ id, alone: false }, task, ({ session, signal }) =>
        diffOf(session, { workspace, request: facts }, signal),
      );
      return { workspace_id: workspace.id, summary: await summarize(workspace, { entries }) };
    },

    listFiles: (request: ListInput, task: Task) =>
      inside({ id: request.workspace_id, alone: false }, task, ({ session, signal }) =>
        listFolder(session, { ...request, maxEntries: request.max_entries }, signal),
      ),

    readFile: (request: ReadInput, task: Task) =>
      inside({ id: request.workspace_id, alone: false }, task, ({ session, signal }) =>
        readText(session, { ...request, maxBytes: request.max_bytes }, signal),
      ),

    writeFile: (request: { workspace_id: string; path: string; text: string }, task: Task) =>
      inside({ id: request.workspace_id, alone: true }, task, async ({ session, workspace, signal }) => {
        const written = await writeText(session, request, signal);
        await workspace.note({ type: "file_write", detail: written.path });
        return written;
      }),

    applyPatch: (request: { workspace_id: string; patch: string }, task: Task) =>
      inside({ id: request.workspace_id, alone: true }, task, async ({ session, workspace, signal }) => {
        const applied = await applyPatch(session, request.patch, signal);
        await workspace.note({ type: "patch_apply", detail: applied.files.map((file) => file.path).join(", ") });
        return applied;
      }),

    diff: (request: DiffInput, task: Task) =>
      inside({ id: request.workspace_id, alone: false }, task, ({ session, workspace, signal }) =>
        diffOf(session, { workspace, request }, signal),
      ),

    export: (request: ExportInput, task: Task) =>
      inside({ id: request.workspace_id, alone: false }, task, async ({ session, workspace, signal }) => {
        const exported = await exportFrom(session, request, signal);
        await workspace.note({ type: "export", detail: `${request.path} to ${request.output_path}` });
        return exported;
      }),

    pushSync: (request: { workspace_id: string; source_path: string; dest: string }, task: Task) =>
      inside({ id: request.workspace_id, alone: true }, task, async ({ session, workspace, signal }) => {
        const pushed = await pushInto(services, { session, request }, { ...task, signal });
        await workspace.note({ type: "sync_push", detail: `${request.source_path} to ${request.dest}` });
        return pushed;
      }),
  };
}

interface Inside {
  readonly session: GuestSession;
  readonly workspace: Workspace;
  /** Aborted when the caller leaves or the machine cannot go on for now. */
  readonly signal: AbortSignal;
}

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

export interface ExecInput {
  readonly workspace_id: string;
  readonly command: string | readonly string[];
  readonly cwd: string;
  readonly timeout_seconds: number;
  readonly detach: boolean;
  readonly wait_seconds: number;
  readonly max_output_bytes: number;
}

export interface WaitInput {
  readonly workspace_id: string;
  readonly sequence: number;
  readonly wait_seconds: number;
  readonly max_output_bytes: number;
}

export interface LogsInput {
  readonly workspace_id: string;
  readonly sequence?: number | undefined;
  readonly stream: "stdout" | "stderr";
  readonly offset: number;
  readonly max_bytes: number;
}

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
  readonly max_patch_characters: number;
}

export interface ExportInput {
  readonly workspace_id: string;
  readonly path: string;
  readonly output_path: string;
  readonly force: boolean;
}
