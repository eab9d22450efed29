// Proves that what pyro sets in a host's files is taken out again, and that every other byte stays as it was, whatever was there.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openChatHosts } from "../../../src/chat-host/chat-hosts.js";
import { hostNames, type HostName } from "../../../src/chat-host/host.js";
import { hosts } from "../../../src/chat-host/hosts.js";
import { serveFlags } from "../../../src/surface/serve-flags.js";

const task = { signal: new AbortController().signal, progress: () => undefined };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-disconnect-"));
  mkdirSync(join(folder, "user"));
  mkdirSync(join(folder, "project", ".git"), { recursive: true });
  mkdirSync(join(folder, "bin"));
  for (const host of hostNames) {
    const path = join(folder, "bin", hosts[host].program);
    writeFileSync(path, addsEntry);
    chmodSync(path, 0o755);
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `mcp add` of Claude Code and Codex, in an empty HOME. */
const addsEntry = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
case "$0" in
*claude) printf '{ "mcpServers": { "pyro": { "type": "stdio", "command": "%s", "args": ["%s", "mcp", "serve"], "env": {} } }, "numStartups": 1 }' "$2" "$3" > "$HOME/.claude.json";;
*) mkdir -p "$HOME/.codex"; printf 'model = "x"\\n\\n[mcp_servers.pyro]\\ncommand = "%s"\\nargs = ["%s", "mcp", "serve"]\\n' "$2" "$3" > "$HOME/.codex/config.toml";;
esac
`;

function open(cwd = "project") {
  const env = { HOME: join(folder, "user"), PATH: `${join(folder, "bin")}:/usr/bin:/bin` };
  return openChatHosts({ env, cwd: join(folder, cwd), script: "/opt/pyro/pyro.js", serveFlags });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Every file below the user's and the project's folder with its content, and every folder; without pyro's own. */
function everything(): Readonly<Record<string, string>> {
  const names = ["user", "project"].flatMap((top) =>
    readdirSync(join(folder, top), { recursive: true, withFileTypes: true }).map((each) => ({
      path: join(each.parentPath, each.name),
      isFile: each.isFile(),
    })),
  );
  const kept = names.filter(({ path }) => !path.includes("/.local"));
  return Object.fromEntries(kept.map(({ path, isFile }) => [path, isFile ? readFileSync(path, "utf8") : "folder"]));
}

interface Case {
  readonly host: HostName;
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  /** Also the host's own settings that were there and stay. */
  readonly scope?: "user" | "project";
  readonly onlyHere?: "local" | "user";
}

const claudeSettings = "project/.claude/settings.local.json";
const codexUser = "user/.codex/config.toml";
const openCodeUser = "user/.config/opencode/opencode.json";

const cases: readonly Case[] = [
  { host: "opencode", what: "nothing", files: {}, onlyHere: "local" },
  { host: "opencode", what: "nothing, all of it the user's", files: {}, onlyHere: "user" },
  {
    host: "opencode",
    what: "a project's entry and settings in one file",
    files: {},
    scope: "project",
    onlyHere: "local",
  },
  {
    host: "opencode",
    what: "comments, and a permission of another value",
    files: {
      [openCodeUser]:
        '{\n  // mine\n  "mcp": { "other": { "type": "local", "command": ["x"] } }, // theirs\n  "theme": "dark",\n}\n',
      "project/opencode.jsonc":
        '{\r\n\t"permission": {\r\n\t\t"bash": "ask", // each time\r\n\t\t"webfetch": "deny"\r\n\t}\r\n}',
    },
    onlyHere: "local",
  },
  {
    host: "opencode",
    what: "an empty object",
    files: { [openCodeUser]: "{}", "project/opencode.json": "{ }\n" },
    onlyHere: "local",
  },
  {
    host: "codex",
    what: "other servers, features and comments",
    files: {
      [codexUser]:
        "# mine\nmodel = \"x\" # keep\n\n[mcp_servers.other] # theirs\ncommand = '/bin/false'\n\n[features]\nunified_exec = true # fine\n\n[tui]\ntheme = 1\n",
    },
    onlyHere: "user",
  },
  {
    host: "codex",
    what: "a project's file without a newline at its end",
    files: { [codexUser]: "[mcp_servers.other]\ncommand = 'x'", "project/.codex/config.toml": "model = 'y'" },
    onlyHere: "local",
  },
  {
    host: "codex",
    what: "the feature set the other way",
    files: { [codexUser]: "[mcp_servers.a]\ncommand = 'x'\n\n[features]\n  shell_tool = true   # I like it\n" },
    onlyHere: "user",
  },
];

test.each(cases)(
  "disconnecting $host leaves $what as it was before connecting",
  async ({ host, files, scope = "user", onlyHere }) => {
    for (const [path, text] of Object.entries(files)) write(path, text);
    const before = everything();
    const chatHosts = open();
    const connected = await chatHosts.connect(host, { scope, flags: [], dryRun: false, onlyHere }, task);
    expect(connected).toMatchObject({
      change: { file: expect.any(String) },
      guard: { change: { file: expect.any(String) } },
    });
    const during = everything();
    expect(during).not.toEqual(before);
    const again = await chatHosts.connect(host, { scope, flags: [], dryRun: false, onlyHere }, task);
    expect([again.change, again.guard?.change, everything()]).toEqual([undefined, undefined, during]);

    const { changes } = await chatHosts.disconnect(host);
    expect(changes.length).toBeGreaterThan(0);
    expect(withoutEmptyFolders(everything())).toEqual(withoutEmptyFolders(before));
    expect(await chatHosts.disconnect(host)).toEqual({ changes: [] });
  },
);

/** Of an entry's file the folder may stay: the host makes it anyway. */
function withoutEmptyFolders(files: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== "folder"));
}

test("what the host's own command wrote goes, and what else it wrote stays", async () => {
  const chatHosts = open();
  for (const host of ["claude-code", "codex"] as const) {
    await chatHosts.connect(host, { scope: "user", flags: [], dryRun: false, onlyHere: "local" }, task);
    await chatHosts.disconnect(host);
  }
  expect(JSON.parse(readFileSync(join(folder, "user", ".claude.json"), "utf8"))).toEqual({ numStartups: 1 });
  expect(readFileSync(join(folder, codexUser), "utf8")).toBe('model = "x"\n');
  expect([existsSync(join(folder, "project", ".claude")), existsSync(join(folder, "project", ".codex"))]).toEqual([
    false,
    false,
  ]);
});

test("the settings lie with the project, never in the user's own file unless that is asked for", async () => {
  const userSettings = join(folder, "user", ".claude", "settings.json");
  const denied = { permissions: { deny: ["Bash", "Monitor", "Edit", "Write", "NotebookEdit"] } };
  const chatHosts = open();
  await chatHosts.connect("claude-code", { scope: "user", flags: [], dryRun: false, onlyHere: "local" }, task);
  expect(existsSync(userSettings)).toBe(false);
  expect(JSON.parse(readFileSync(join(folder, claudeSettings), "utf8"))).toEqual(denied);
  await chatHosts.connect("claude-code", { scope: "user", flags: [], dryRun: false, onlyHere: "user" }, task);
  expect(JSON.parse(readFileSync(userSettings, "utf8"))).toEqual(denied);
  await chatHosts.disconnect("claude-code");
  expect([existsSync(userSettings), existsSync(join(folder, claudeSettings))]).toEqual([false, false]);
});

test("a dry run shows the settings and writes nothing", async () => {
  write(claudeSettings, '{\n    "permissions": {\n        "allow": ["mcp__pyro"], "deny": ["Bash"]\n    }\n}\n');
  const before = everything();
  const request = { scope: "user", flags: [], dryRun: true, onlyHere: "local" } as const;
  const { guard } = await open().connect("claude-code", request, task);
  expect(guard?.change?.diff).toContain(
    '+        "allow": ["mcp__pyro"], "deny": ["Bash", "Monitor", "Edit", "Write", "NotebookEdit"]',
  );
  expect(everything()).toEqual(before);
});

test("what the user denied before, and what the user has set since, stays", async () => {
  write(claudeSettings, '{ "permissions": { "deny": ["Bash", "WebFetch"] } }');
  write(openCodeUser, '{ "mcp": { "a": { "type": "local", "command": ["x"] } } }');
  const chatHosts = open();
  for (const host of ["claude-code", "opencode"] as const) {
    await chatHosts.connect(host, { scope: "user", flags: [], dryRun: false, onlyHere: "local" }, task);
  }
  // Both hosts, or the user, go on writing into these files.
  const settings = JSON.parse(readFileSync(join(folder, claudeSettings), "utf8"));
  settings.permissions.deny.unshift("Agent");
  write(claudeSettings, JSON.stringify({ outputStyle: "x", ...settings }, null, 4));
  const config = join(folder, "project", "opencode.json");
  const loosened = readFileSync(config, "utf8").replace('"edit": "deny"', '"edit": "ask"');
  writeFileSync(config, loosened.replace("{", "{\n  // mine since"));
  for (const host of ["claude-code", "opencode"] as const) await chatHosts.disconnect(host);
  expect(JSON.parse(readFileSync(join(folder, claudeSettings), "utf8"))).toEqual({
    outputStyle: "x",
    permissions: { deny: ["Agent", "Bash", "WebFetch"] },
  });
  expect(readFileSync(config, "utf8")).toContain("// mine since");
  expect(readFileSync(config, "utf8").replaceAll(/\/\/.*|\s/gu, "")).toBe('{"permission":{"edit":"ask"}}');
  expect(readFileSync(join(folder, openCodeUser), "utf8")).toBe(
    '{ "mcp": { "a": { "type": "local", "command": ["x"] } } }',
  );
});

test("a file of ours goes also where its host has put something into it, as it does into each that it reads", async () => {
  const chatHosts = open();
  await chatHosts.connect("opencode", { scope: "user", flags: [], dryRun: false, onlyHere: "local" }, task);
  const config = join(folder, "project", "opencode.json");
  writeFileSync(
    config,
    readFileSync(config, "utf8").replace("{", '{\n  "$schema": "https://opencode.ai/config.json",'),
  );
  await chatHosts.disconnect("opencode");
  expect([existsSync(config), existsSync(join(folder, openCodeUser))]).toEqual([false, false]);
});

test("a guard of another project goes as well, since nothing would run there any more", async () => {
  mkdirSync(join(folder, "elsewhere"));
  await open().connect("opencode", { scope: "user", flags: [], dryRun: false, onlyHere: "local" }, task);
  const { changes } = await open("elsewhere").disconnect("opencode");
  expect(changes.map(({ file }) => file).toSorted()).toEqual(
    [join(folder, "project", "opencode.json"), join(folder, openCodeUser)].toSorted(),
  );
  expect(existsSync(join(folder, "project", "opencode.json"))).toBe(false);
});

test("settings in a form of their own are refused before anything is written", async () => {
  write("project/opencode.json", '{ "permission": { "bash": { "git *": "allow" } } }');
  const before = everything();
  const request = { scope: "user", flags: [], dryRun: false, onlyHere: "local" } as const;
  await expect(open().connect("opencode", request, task)).rejects.toThrow('"permission.bash" in ');
  expect(everything()).toEqual(before);
});
