// Owns how OpenCode keeps and starts MCP servers. Never reads a file.
import { join } from "node:path";
import * as z from "zod";
import { foldersUp } from "./folders-up.js";
import { entryName, type ChatHost, type ConfigPlace, type Surroundings } from "./host.js";
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
  protocol: "2025-11-25",
  program: "opencode",
  install: "npm install -g opencode-ai",
  format: jsonWithComments,
  places: (surroundings) => {
    const { env, home, cwd, project } = surroundings;
    const up = foldersUp(cwd, project);
    const named = [env["OPENCODE_CONFIG"]].filter((path) => path !== undefined && path !== "");
    return [
      ...userFilesIn(env["OPENCODE_CONFIG_DIR"]),
      ...userFilesIn(join(home, ".opencode")),
      // Of these folders the one farther up wins; of the files beside them the nearer one.
      ...up.toReversed().flatMap((folder) => projectFilesIn(join(folder, ".opencode"), folder)),
      ...up.flatMap((folder) => projectFilesIn(folder, folder)),
      ...named.map((path) => userPlace(path ?? "")),
      ...userFiles(surroundings),
      userPlace(join(userFolder(surroundings), "config.json")),
    ];
  },
  targets: (scope, surroundings) =>
    scope === "user" ? userFiles(surroundings) : projectFilesIn(surroundings.project, surroundings.project),
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
  adds: ["$schema"],
  guard: {
    places: (scope, surroundings) =>
      opencode.targets(scope === "user" ? "user" : "project", surroundings).map((place) => ({ ...place, keys: [] })),
    settings: [
      { keys: ["permission", "bash"], value: "deny" },
      { keys: ["permission", "edit"], value: "deny" },
    ],
    remarks: [],
  },
  nextSteps: () => [
    "Start `opencode` in your project, or start it again; `opencode mcp list` shows that it connects.",
    'OpenCode runs tools without asking unless "permission" in its settings says otherwise.',
  ],
};

function userFiles(surroundings: Surroundings): readonly ConfigPlace[] {
  return userFilesIn(userFolder(surroundings));
}

function userFolder({ env, home }: Surroundings): string {
  const named = env["XDG_CONFIG_HOME"];
  return join(named === undefined || named === "" ? join(home, ".config") : named, "opencode");
}

function userFilesIn(folder: string | undefined): readonly ConfigPlace[] {
  return folder === undefined || folder === "" ? [] : names.map((name) => userPlace(join(folder, name)));
}

function userPlace(path: string): ConfigPlace {
  return { scope: "user", path, keys: ["mcp", entryName] };
}

function projectFilesIn(folder: string, within: string): readonly ConfigPlace[] {
  return names.map((name) => ({ scope: "project", path: join(folder, name), keys: ["mcp", entryName], within }));
}
