// Owns the part of the service that runs commands and tells what was run. Never files.
import { execInWorkspace, waitInWorkspace } from "./program/exec.js";
import { commandHistory, commandOutput, summarize, workspaceNotes } from "./program/history.js";
import { enter, type Inside, type Needing, type NeedInside } from "./access.js";
import type { WorkspaceCaller, WorkspaceServices } from "./services.js";
import { diffOf } from "./files/transfer.js";
import { execView } from "./view.js";
import type { Workspace } from "./workspace.js";

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
  return {
    async exec(request: ExecInput, caller: WorkspaceCaller & Needing<NeedInside>) {
      const door = { ...services, id: request.workspace_id, needs: caller.needs };
      const listener = caller.streaming && !request.detach ? caller.output.bind(caller) : undefined;
      const result = await execInWorkspace(door, {
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
      return execView(result.workspace, result);
    },

    wait(request: WaitInput, call: Needing<"record">) {
      const { workspace_id: id, sequence, wait_seconds: seconds, max_output_bytes: outputBytes } = request;
      const work = async (workspace: Workspace) =>
        execView(workspace, await waitInWorkspace(workspace, { sequence, waitMs: seconds * 1000, outputBytes }, call));
      return enter(services, { id, needs: call.needs, work }, call);
    },

    logs(request: LogsInput, call: Needing<"record">) {
      const work = (workspace: Workspace) => logsOf(workspace, request);
      return enter(services, { id: request.workspace_id, needs: call.needs, work }, call);
    },

    async summary(id: string, call: Needing<NeedInside>) {
      const request = { paths: [], include_ignored: false, max_patch_characters: 0 };
      const work = async ({ session, workspace, signal }: Inside) => {
        const { entries } = await diffOf(session, { workspace, request }, signal);
        return { workspace, entries };
      };
      const { workspace, entries } = await enter(services, { id, needs: call.needs, work }, call);
      return { workspace_id: workspace.id, summary: await summarize(workspace, { entries }) };
    },
  };
}

async function logsOf(workspace: Workspace, { sequence, stream, offset, max_bytes: maxBytes }: LogsInput) {
  const nothing = { output: null, next_offset: null, total_bytes: null };
  if (sequence === undefined) {
    const [entries, notes] = await Promise.all([commandHistory(workspace), workspaceNotes(workspace)]);
    return { workspace_id: workspace.id, entries, notes, ...nothing };
  }
  const output = await commandOutput(workspace, { sequence, stream, offset, maxBytes });
  return { workspace_id: workspace.id, entries: [], notes: [], ...output };
}
