// Owns the command that serves MCP. Loads the server only when it runs.
import * as z from "zod";
import { serveFields, serveFlagNames } from "../../operations/serve-choices.js";
import type { Command } from "./command.js";

export const mcpServeInput = z.strictObject(serveFields);

export const mcpServeCommand: Command = {
  path: ["mcp", "serve"],
  summary: "Serve MCP tools over standard input and output.",
  input: mcpServeInput,
  flagNames: serveFlagNames,
  hostPaths: { project_path: "read", include: "read", allow_host_paths: "read" },
  notes: [
    "Started by a chat host; ends when its standard input is closed. Started inside a Git checkout, its workspaces start",
    "from that checkout as it is, uncommitted changes included. The model can name no other folder of the host.",
  ],
  run: async (input, { connector, settled }) => {
    const chosen = mcpServeInput.parse(input);
    const { serveMcp } = await import("../mcp/stdio.js");
    await serveMcp({
      connector,
      settled,
      profile: chosen.profile,
      mode: chosen.mode,
      projectPath: chosen.project_path,
      repoUrl: chosen.repo_url,
      repoRef: chosen.repo_ref,
      include: chosen.include,
      noProjectSource: chosen.no_project_source,
      environment: chosen.environment,
      allowHostPaths: chosen.allow_host_paths,
    });
    return 0;
  },
};
