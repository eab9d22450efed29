// Owns how OpenCode keeps and starts MCP servers. Never reads a file.
import { join } from "node:path";
import * as z from "zod";
import { foldersUp } from "./folders-up.js";
import { entryName, type ChatHost, type ConfigPlace, type Scope, type Surroundings } from "./host.js";
import { jsonWithComments } from "./json-config.js";

const launchFields = z.looseObject({
  type: z.literal("local"),
  command: z.tuple([z.string().min(1)], z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  cwd: z.string().optional(),
});

const names = ["opencode.jsonc", "opencode.json"];

export const opencode: ChatHost = {
  name: "opencode",
  title: "OpenCode",
  program: "opencode",
  install: "npm install -g opencode-ai",
  format: jsonWithComments,
  places: (surroundings) => {
    const { env, home, cwd, project } = surroundings;
    const up = foldersUp(cwd, project);
    const named = [env["OPENCODE_CONFIG"]].filter((path) => path !== undefined && path !== "");
    return [
      ...filesIn(env["OPENCODE_CONFIG_DIR"], "user"),
      ...filesIn(join(home, ".opencode"), "user"),
      // Of these folders the one farther up wins; of the files beside them the nearer one.
      ...up.toReversed().flatMap((folder) => filesIn(join(folder, ".opencode"), "project")),
      ...up.flatMap((folder) => filesIn(folder, "project")),
      ...named.map((path) => place("user", path ?? "")),
      ...userFiles(surroundings),
      place("user", join(userFolder(surroundings), "config.json")),
    ];
  },
  targets: (scope, surroundings) =>
    scope === "user" ? userFiles(surroundings) : filesIn(surroundings.project, "project"),
  merges: true,
  fields: ({ command, args, env }) => ({ type: "local", command: [command, ...args], environment: env }),
  variables: "environment",
  defaults: { environment: {}, enabled: true },
  foreign: ["url"],
  launch: (fields) => {
    const parsed = launchFields.safeParse(fields);
    if (!parsed.success) return undefined;
    const { command, environment, cwd } = parsed.data;
    return { command: command[0], args: command.slice(1), env: environment, cwd, passed: [] };
  },
  environment: (env) => ({ ...env, AGENT: "1", OPENCODE: "1" }),
  addCommand: () => undefined,
  ignores: () => undefined,
  condition: () => undefined,
  switchedOff: () => undefined,
  nextSteps: () => [
    "Start `opencode` in your project, or start it again; `opencode mcp list` shows that it connects.",
    'OpenCode runs tools without asking unless "permission" in its settings says otherwise.',
  ],
};

function userFiles(surroundings: Surroundings): readonly ConfigPlace[] {
  return filesIn(userFolder(surroundings), "user");
}

function userFolder({ env, home }: Surroundings): string {
  const named = env["XDG_CONFIG_HOME"];
  return join(named === undefined || named === "" ? join(home, ".config") : named, "opencode");
}

function filesIn(folder: string | undefined, scope: Scope): readonly ConfigPlace[] {
  return folder === undefined || folder === "" ? [] : names.map((name) => place(scope, join(folder, name)));
}

function place(scope: Scope, path: string): ConfigPlace {
  return { scope, path, keys: ["mcp", entryName] };
}
