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
  protocol: "2026-07-28",
  program: "claude",
  install: "npm install -g @anthropic-ai/claude-code",
  format: strictJson,
  places: (surroundings) => [
    localPlace(surroundings),
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
    "mcp",
    "add",
    "--scope",
    scope,
    entryName,
    ...Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    "--",
    command,
    ...args,
  ],
  ignores: () => undefined,
  condition: (scope) =>
    scope === "project"
      ? {
          text: "Claude Code starts a server of .mcp.json only where it was allowed.",
          fix: "Start `claude` there, and allow it once.",
        }
      : undefined,
  switchedOff: (userConfig, { repository }) => {
    const disabled = valueAt(userConfig, ["projects", repository, "disabledMcpServers"]);
    return Array.isArray(disabled) && disabled.includes(entryName)
      ? {
          text: `It is switched off for ${repository}.`,
          fix: `Start \`claude\` there, and choose ${entryName} and Enable in /mcp.`,
        }
      : undefined;
  },
  adds: [],
  guard: {
    places: (scope, surroundings) => [
      scope === "user" ? userSettings(surroundings) : projectSettings(surroundings.project),
    ],
    // `Monitor` runs a command in the background.
    settings: [{ keys: ["permissions", "deny"], items: ["Bash", "Monitor", "Edit", "Write", "NotebookEdit"] }],
    remarks: [],
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

function userSettings({ env, home }: Surroundings): ConfigPlace {
  const named = env["CLAUDE_CONFIG_DIR"];
  const folder = named === undefined || named === "" ? join(home, ".claude") : named;
  return { scope: "user", path: join(folder, "settings.json"), keys: [] };
}

function projectSettings(project: string): ConfigPlace {
  return { scope: "local", path: join(project, ".claude", "settings.local.json"), keys: [], within: project };
}

function userPlace(surroundings: Surroundings): ConfigPlace {
  return { scope: "user", path: userFile(surroundings), keys: ["mcpServers", entryName] };
}

/** What is the project's own stands under the repository's first checkout, wherever in it Claude Code is started. */
function localPlace(surroundings: Surroundings): ConfigPlace {
  const keys = ["projects", surroundings.repository, "mcpServers", entryName];
  return { scope: "local", path: userFile(surroundings), keys };
}

function projectPlace(folder: string): ConfigPlace {
  return { scope: "project", path: join(folder, ".mcp.json"), keys: ["mcpServers", entryName], within: folder };
}
