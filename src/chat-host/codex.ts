// Owns how Codex keeps and starts MCP servers. Never reads a file.
import { join } from "node:path";
import * as z from "zod";
import { valueAt } from "./config-format.js";
import { foldersUp } from "./folders-up.js";
import { entryName, type ChatHost, type ConfigPlace, type Surroundings } from "./host.js";
import { toml } from "./toml-config.js";

const launchFields = z.looseObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  env_vars: z.array(z.unknown()).default([]),
  cwd: z.string().optional(),
});

/** All that it hands on of its own environment. */
const passedVariables = ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"];

export const codex: ChatHost = {
  name: "codex",
  title: "Codex",
  protocol: "2025-06-18",
  program: "codex",
  install: "npm install -g @openai/codex",
  format: toml,
  places: (surroundings) => [
    ...foldersUp(surroundings.cwd, surroundings.project).map(projectPlace),
    userPlace(surroundings),
  ],
  targets: (scope, surroundings) => [scope === "user" ? userPlace(surroundings) : projectPlace(surroundings.project)],
  merges: true,
  fields: ({ command, args, env }) => ({ command, args, env }),
  variables: "env",
  defaults: { args: [], env: {}, enabled: true },
  foreign: ["url"],
  launch: (fields) => {
    const parsed = launchFields.safeParse(fields);
    if (!parsed.success) return undefined;
    const { command, args, env, env_vars, cwd } = parsed.data;
    return { command, args, env, cwd, passed: env_vars.filter((each) => typeof each === "string") };
  },
  environment: (env, { passed }) =>
    Object.fromEntries([...passedVariables, ...passed].flatMap((name) => (name in env ? [[name, env[name]]] : []))),
  // Its command writes the whole of [mcp_servers] anew, without the comments in it, and knows no project file.
  addCommand: ({ command, args, env }, { scope }, config) =>
    scope === "user" && valueAt(config, ["mcp_servers"]) === undefined
      ? [
          "mcp",
          "add",
          entryName,
          ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
          "--",
          command,
          ...args,
        ]
      : undefined,
  ignores: ({ scope, path }, userConfig, { repository, project, cwd }) => {
    const isTrusted = [repository, project, cwd].some(
      (folder) => valueAt(userConfig, ["projects", folder, "trust_level"]) === "trusted",
    );
    return scope === "user" || isTrusted
      ? undefined
      : {
          text: `Codex ignores ${path}: the project is not trusted.`,
          fix: "Start `codex` there, and trust the project.",
        };
  },
  condition: () => undefined,
  switchedOff: () => undefined,
  adds: [],
  guard: {
    places: (scope, surroundings) => [
      { ...(scope === "user" ? userPlace(surroundings) : projectPlace(surroundings.project)), keys: [] },
    ],
    settings: [{ keys: ["features", "shell_tool"], value: false }],
    remarks: [
      'Some models still have `apply_patch`; sandbox_mode = "read-only" has Codex ask before it changes a file.',
    ],
  },
  nextSteps: (scope) => [
    "Start `codex` in your project, or start it again; /mcp shows the server and its tools.",
    ...(scope === "project" ? ["Codex reads .codex/config.toml only in projects that it was told to trust."] : []),
    'To allow its tools without a question each time, add default_tools_approval_mode = "approve" to [mcp_servers.pyro].',
  ],
};

function userPlace({ env, home }: Surroundings): ConfigPlace {
  const named = env["CODEX_HOME"];
  const folder = named === undefined || named === "" ? join(home, ".codex") : named;
  return { scope: "user", path: join(folder, "config.toml"), keys: ["mcp_servers", entryName] };
}

function projectPlace(folder: string): ConfigPlace {
  const path = join(folder, ".codex", "config.toml");
  return { scope: "project", path, keys: ["mcp_servers", entryName], within: folder };
}
