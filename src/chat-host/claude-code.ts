// Owns how Claude Code keeps and starts MCP servers. Never reads a file.
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { valueAt } from "./config-format.js";
import { foldersUp } from "./folders-up.js";
import { entryName, type ChatHost, type ConfigPlace, type Surroundings } from "./host.js";
import { strictJson } from "./json-config.js";

const launchFields = z.looseObject({
  type: z.literal("stdio").default("stdio"),
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
});

export const claudeCode: ChatHost = {
  name: "claude-code",
  title: "Claude Code",
  program: "claude",
  install: "npm install -g @anthropic-ai/claude-code",
  format: strictJson,
  places: (surroundings) => [
    ...ownFolders(surroundings).map((folder) => localPlace(surroundings, folder)),
    ...foldersUp(surroundings.cwd).map((folder) => projectPlace(folder)),
    userPlace(surroundings),
  ],
  targets: (scope, surroundings) => [scope === "user" ? userPlace(surroundings) : projectPlace(surroundings.project)],
  merges: false,
  fields: ({ command, args, env }) => ({ type: "stdio", command, args, env }),
  variables: "env",
  defaults: { type: "stdio", args: [], env: {} },
  foreign: ["url"],
  launch: (fields) => {
    const parsed = launchFields.safeParse(fields);
    if (!parsed.success) return undefined;
    const { command, args, env } = parsed.data;
    return { command, args, env, passed: [] };
  },
  environment: (env) => ({ ...env, CLAUDECODE: "1" }),
  addCommand: ({ command, args, env }, { scope }) => [
    ...["mcp", "add", "--scope", scope, entryName],
    ...Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    ...["--", command, ...args],
  ],
  ignores: () => undefined,
  condition: (scope) =>
    scope === "project"
      ? {
          text: "Claude Code starts a server of .mcp.json only where it was allowed.",
          fix: "Start `claude` there, and allow it once.",
        }
      : undefined,
  switchedOff: (userConfig, surroundings) => {
    const disabled = ownFolders(surroundings).some((folder) => {
      const list = valueAt(userConfig, ["projects", folder, "disabledMcpServers"]);
      return Array.isArray(list) && list.includes(entryName);
    });
    return disabled
      ? { text: `It is switched off for ${surroundings.project}.`, fix: "Switch it on with /mcp in Claude Code." }
      : undefined;
  },
  nextSteps: (scope) => [
    "Start `claude` in your project, or start it again; /mcp shows the server and its tools.",
    ...(scope === "project" ? ["Claude Code asks once whether to trust the server of .mcp.json."] : []),
    'To allow its tools without a question each time, add "mcp__pyro" to permissions.allow in ~/.claude/settings.json.',
  ],
};

/** Programs that are older keep it in the folder of settings. */
function userFile({ env, home }: Surroundings): string {
  const named = env["CLAUDE_CONFIG_DIR"];
  const folder = named === undefined || named === "" ? undefined : named;
  const older = join(folder ?? join(home, ".claude"), ".config.json");
  return existsSync(older) ? older : join(folder ?? home, ".claude.json");
}

function userPlace(surroundings: Surroundings): ConfigPlace {
  return { scope: "user", path: userFile(surroundings), keys: ["mcpServers", entryName] };
}

function localPlace(surroundings: Surroundings, folder: string): ConfigPlace {
  return { scope: "local", path: userFile(surroundings), keys: ["projects", folder, "mcpServers", entryName] };
}

function projectPlace(folder: string): ConfigPlace {
  return { scope: "project", path: join(folder, ".mcp.json"), keys: ["mcpServers", entryName] };
}

/** Under which Claude Code may keep what is the project's. */
function ownFolders({ repository, project, cwd }: Surroundings): readonly string[] {
  return [...new Set([repository, project, cwd])];
}
