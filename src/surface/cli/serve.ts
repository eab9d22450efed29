// Owns the commands that serve until they are told to stop. Loads what they need only when they run.
import * as z from "zod";
import { environmentName } from "../../operations/fields.js";
import { profiles } from "../../operations/operation.js";
import { hostPath } from "../../operations/workspace-fields.js";
import { modes } from "../mcp/modes.js";
import type { Command } from "./command.js";

const text = z.string().min(1).max(2048);

const mcpServeInput = z.strictObject({
  profile: z
    .enum(profiles)
    .optional()
    .describe("Which tools the server offers; workspace-core unless a mode is given."),
  mode: z.enum(modes).optional().describe("The tools for one kind of task, instead of a profile."),
  project_path: hostPath.optional().meta({
    title: "PATH",
    description: "Folder or checkout that workspaces start from, instead of the one it is started in.",
  }),
  repo_url: text
    .optional()
    .meta({ title: "URL", description: "Repository to clone on the host for workspaces to start from." }),
  repo_ref: text.optional().meta({ title: "REF", description: "Branch, tag or commit of it." }),
  no_project_source: z.boolean().default(false).describe("Workspaces start empty."),
  environment: environmentName
    .optional()
    .meta({ title: "ENV", description: "Environment where the model names none." }),
  allow_host_paths: z
    .array(hostPath)
    .default([])
    .meta({ title: "DIR", description: "Folder that the model may read from and export to, besides the project." }),
});

export const mcpServeCommand: Command = {
  path: ["mcp", "serve"],
  summary: "Serve MCP tools over standard input and output.",
  input: mcpServeInput,
  flagNames: { allow_host_paths: "allow-host-path" },
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
  run: async () => {
    const { runDaemon } = await import("../../daemon/serve.js");
    await runDaemon();
    return 0;
  },
};
