// Owns the commands that serve until they are told to stop. Loads what they need only when they run.
import * as z from "zod";
import { asPyroError } from "../../base/error.js";
import { errorBodyOf } from "../../daemon/protocol.js";
import { serveFields, serveFlagNames } from "../../operations/serve-choices.js";
import type { Command } from "./command.js";
import { exitCodes } from "./exit.js";

export const mcpServeInput = z.strictObject(serveFields);

export const mcpServeCommand: Command = {
  path: ["mcp", "serve"],
  summary: "Serve MCP tools over standard input and output.",
  input: mcpServeInput,
  flagNames: serveFlagNames,
  notes: [
    "Started by a chat host; ends when its standard input is closed. Started inside a Git checkout, its workspaces start",
    "from that checkout as it is, uncommitted changes included. The model can name no other folder of the host.",
  ],
  run: async (input, { connector }) => {
    const chosen = mcpServeInput.parse(input);
    const { serveMcp } = await import("../mcp/stdio.js");
    await serveMcp({
      connector,
      profile: chosen.profile,
      mode: chosen.mode,
      projectPath: chosen.project_path,
      repoUrl: chosen.repo_url,
      repoRef: chosen.repo_ref,
      noProjectSource: chosen.no_project_source,
      environment: chosen.environment,
      allowHostPaths: chosen.allow_host_paths,
    });
    return 0;
  },
};

/** What `connectDaemon` starts. */
export const daemonServeCommand: Command = {
  path: ["daemon", "serve"],
  summary: "Run the daemon itself; started on demand by the other commands.",
  input: z.strictObject({}),
  hidden: true,
  notes: [],
  run: async (_input, { json, stdout }) => {
    const { runDaemon } = await import("../../daemon/serve.js");
    try {
      await runDaemon();
      return 0;
    } catch (thrown) {
      if (!json) throw thrown;
      // For the client that has started it, whose surface spells the hint.
      const error = asPyroError(thrown);
      await stdout.pass(`${JSON.stringify({ error: errorBodyOf(error) })}\n`);
      return exitCodes[error.code];
    }
  },
};
