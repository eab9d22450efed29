// Owns a workspace that a model made through a server, as a recipe works with it. Deletes it in the end, unless that was done.

import type { McpConnection, StructuredContent } from "../mcp-client.js";

export interface ModelWorkspace extends AsyncDisposable {
  readonly id: string;
  /** What workspace_create answered. */
  readonly created: StructuredContent;
  /** Calls a tool with this workspace's id. */
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<StructuredContent>;
  /** Runs a command and waits for it over as many calls as it takes, as a model is told to. */
  exec(command: string, args?: Readonly<Record<string, unknown>>): Promise<StructuredContent>;
}

export async function createWorkspace(
  server: McpConnection,
  args: Readonly<Record<string, unknown>> = {},
): Promise<ModelWorkspace> {
  const created = await server.call("workspace_create", args);
  const id = String(created["workspace_id"]);
  let deleted = false;
  const call: ModelWorkspace["call"] = async (name, more = {}) => {
    const result = await server.call(name, { workspace_id: id, ...more });
    deleted ||= result["deleted"] === true;
    return result;
  };
  return {
    id,
    created,
    call,
    exec: async (command, more = {}) => {
      let result = await call("workspace_exec", { command, timeout_seconds: 120, ...more });
      while (result["state"] === "running") result = await call("workspace_wait", { sequence: result["sequence"] });
      return result;
    },
    [Symbol.asyncDispose]: async () => {
      if (!deleted) await call("workspace_delete");
    },
  };
}
