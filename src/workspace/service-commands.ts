// Owns the part of the service that runs commands and tells what was run. Never files.
import type { Task } from "../base/progress.js";
import { execInWorkspace, waitInWorkspace } from "./program/exec.js";
import { commandHistory, commandOutput, summarize, workspaceNotes } from "./program/history.js";
import { insideWorkspace, type WorkspaceCaller, type WorkspaceServices } from "./services.js";
import { diffOf } from "./files/transfer.js";
import { execView } from "./view.js";

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

export function commandOperations(services: WorkspaceServices) {
  const { store, machines } = services;
  return {
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
      return execView(
        workspace,
        await waitInWorkspace(workspace, { sequence, waitMs: seconds * 1000, outputBytes }, task),
      );
    },

    async logs(request: LogsInput) {
      const workspace = store.find(request.workspace_id);
      const { sequence, stream, offset, max_bytes: maxBytes } = request;
      const nothing = { output: null, next_offset: null, total_bytes: null };
      if (sequence === undefined) {
        const [entries, notes] = await Promise.all([commandHistory(workspace), workspaceNotes(workspace)]);
        return { workspace_id: workspace.id, entries, notes, ...nothing };
      }
      const output = await commandOutput(workspace, { sequence, stream, offset, maxBytes });
      return { workspace_id: workspace.id, entries: [], notes: [], ...output };
    },

    async summary(id: string, task: Task) {
      const workspace = store.find(id);
      const facts = { paths: [], include_ignored: false, max_patch_characters: 0 };
      const { entries } = await insideWorkspace(
        { services, access: { id, alone: false } },
        task,
        ({ session, signal }) => diffOf(session, { workspace, request: facts }, signal),
      );
      return { workspace_id: workspace.id, summary: await summarize(workspace, { entries }) };
    },
  };
}
