// Proves how entries are judged: what counts as drift, whose variables are whose, and that flags survive the way there and back.
import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  option,
  record,
  string,
  type Arbitrary,
} from "fast-check";
import { expect, test } from "vitest";
import { claudeCode } from "../../../src/chat-host/claude-code.js";
import { codex } from "../../../src/chat-host/codex.js";
import type { Document } from "../../../src/chat-host/document.js";
import { editEntry } from "../../../src/chat-host/edit.js";
import { maskPasswords } from "../../../src/base/mask-passwords.js";
import {
  describeDifference,
  differencesOf,
  entryWith,
  newFields,
  serverCommand,
} from "../../../src/chat-host/entry.js";
import { hostNames, type ChatHost, type Surroundings } from "../../../src/chat-host/host.js";
import { hosts } from "../../../src/chat-host/hosts.js";
import { opencode } from "../../../src/chat-host/opencode.js";
import { judge, registrationsOf } from "../../../src/chat-host/registration.js";
import { editOf } from "../../../src/chat-host/report.js";
import { modes, serveFlagsOf, type ServeChoices } from "../../../src/operations/serve-choices.js";
import { serveFlags } from "../../../src/surface/serve-flags.js";

const server = serverCommand("/usr/bin/node", "/opt/pyro/pyro.js", {
  PYRO_HOME: "/srv/h",
  PATH: "/bin",
  PYRO_ACCELERATOR: "tcg",
});
const wanted = entryWith(server, ["--mode", "inspect"]);
const surroundings: Surroundings = { env: {}, home: "/u", cwd: "/u/p/sub", project: "/u/p", repository: "/u/r" };

function documentWith(host: ChatHost, entry: unknown, index = 0): Document {
  const place = host.places(surroundings)[index];
  if (place === undefined) throw new Error("no such place");
  return {
    place,
    file: { path: place.path, text: "", hasByteOrderMark: false, ownership: undefined },
    value: {},
    entry,
  };
}

test("an entry has absolute paths, and of the environment only what moves pyro's folders", () => {
  expect(wanted).toEqual({
    command: "/usr/bin/node",
    args: ["/opt/pyro/pyro.js", "mcp", "serve", "--mode", "inspect"],
    env: { PYRO_HOME: "/srv/h" },
  });
});

test.each(hostNames)("%s: what is registered anew differs in nothing, and starts what was meant", (name) => {
  const host = hosts[name];
  const fields = newFields(host, wanted);
  expect(differencesOf(host, fields, wanted)).toEqual([]);
  expect(host.launch(fields)).toMatchObject({ command: wanted.command, args: wanted.args, env: wanted.env });
  expect(newFields(host, { ...wanted, env: {} })).not.toHaveProperty(host.variables);
});

test("other fields and other variables of an entry are the user's", () => {
  const fields = {
    ...newFields(codex, wanted),
    startup_timeout_sec: 30,
    env: { PYRO_HOME: "/srv/h", PYRO_ACCELERATOR: "tcg" },
  };
  expect(differencesOf(codex, fields, wanted)).toEqual([]);
});

test("each field that differs is named, with what it is and what it should be", () => {
  const fields = {
    type: "http",
    url: "http://127.0.0.1:1",
    command: "/old/node",
    args: wanted.args,
    env: { PYRO_HOME: "/old", PYRO_ENVIRONMENT_CACHE_DIR: "/e", MINE: "1" },
  };
  expect(differencesOf(claudeCode, fields, wanted).map(describeDifference)).toEqual([
    'type is "http", should be "stdio"',
    'command is "/old/node", should be "/usr/bin/node"',
    'env.PYRO_HOME is "/old", should be "/srv/h"',
    'env.PYRO_ENVIRONMENT_CACHE_DIR is "/e", should not be there',
    'url is "http://127.0.0.1:1", should not be there',
  ]);
  expect(differencesOf(opencode, "pyro", wanted).map(({ path }) => path)).toEqual([[]]);
  expect(differencesOf(codex, { ...newFields(codex, wanted), enabled: false }, wanted)).toEqual([
    { path: ["enabled"], was: false, should: true },
  ]);
});

test("choices that the server would accept are kept as they were written, others cannot be", async () => {
  const judged = async (flags: readonly string[]) => {
    const value = { ...newFields(codex, entryWith(server, flags)), command: "/old/node" };
    const { differences, lost, tools } = await judge(
      codex,
      { documents: [documentWith(codex, value)], value },
      { server, serveFlags },
    );
    return { changed: differences.map(({ path }) => path.join(".")), lost, tools: tools.length };
  };
  expect(await judged(["--mode=inspect", "--no-project-source"])).toEqual({
    changed: ["command"],
    lost: undefined,
    tools: 11,
  });
  expect(await judged(["--mode", "cold-start"])).toEqual({
    changed: ["command", "args"],
    lost: "`pyro mcp serve` would refuse its flags: The mode cold-start is not built yet.",
    tools: 18,
  });
  expect(await judged(["--moed", "inspect"])).toMatchObject({ lost: expect.stringContaining("Unknown flag --moed") });
  const value = { command: "pyro-lint", args: ["--stdio"] };
  const foreign = await judge(codex, { documents: [documentWith(codex, value)], value }, { server, serveFlags });
  expect(foreign.lost).toBe("It does not start `pyro mcp serve`.");
});

test("a variable of ours that is not set here is left in the entry; one that is set differently has drifted", async () => {
  const value = newFields(codex, { ...wanted, env: { PYRO_HOME: "/other", PYRO_ENVIRONMENT_CACHE_DIR: "/e" } });
  const registration = { documents: [documentWith(codex, value)], value } as const;
  const { differences } = await judge(codex, registration, { server, serveFlags });
  expect(differences).toEqual([{ path: ["env", "PYRO_HOME"], was: "/other", should: "/srv/h" }]);
});

test("entries of several files are one, field by field, for the hosts that do so; for the other the nearest counts", () => {
  const near = documentWith(codex, { command: "near" });
  const far = documentWith(codex, { command: "far", env: { A: "1" }, args: ["x"] }, 1);
  expect(registrationsOf(codex, [near, far]).map(({ value }) => value)).toEqual([
    { command: "near", env: { A: "1" }, args: ["x"] },
  ]);
  expect(registrationsOf(claudeCode, [near, far]).map(({ value }) => value)).toEqual([near.entry, far.entry]);
});

test("an edit that would do more than it should is refused", () => {
  const place = { scope: "user", path: "/c.toml", keys: ["mcp_servers", "pyro"] } as const;
  const edit = (text: string, path: readonly string[]) =>
    editEntry(codex.format, text, { place, differences: [{ path, was: "x", should: "v" }] });
  expect(edit("[mcp_servers.pyro]\ncommand = 'x'\n", ["command"])).toBe('[mcp_servers.pyro]\ncommand = "v"\n');
  expect(() => edit("mcp_servers.pyro = [{ command = 'x' }]\n", ["command"])).toThrow(
    /in a way that pyro does not edit|invalid/,
  );
});

test("a change is shown in its lines alone, without what else may stand in them", () => {
  const place = { scope: "user", path: "/c.json", keys: ["mcpServers", "pyro"] } as const;
  const text = (command: string, secret: string) =>
    `{"token": "${secret}", "mcpServers": {"pyro": {"command": "${command}"}}}`;
  const shown = (secret: string) =>
    editOf(claudeCode, place, { before: text("/old", secret), after: text("/new", secret) })
      .diff.split("\n")
      .slice(2);
  expect(shown("s").filter((line) => /^[-+]/u.test(line))).toEqual([`-${text("/old", "s")}`, `+${text("/new", "s")}`]);
  expect(shown("s".repeat(500))).toEqual(["@@ -4,1 +4,1 @@", '-      "command": "/old"', '+      "command": "/new"']);
});

test("a password in an entry's URL is not shown, neither as a difference nor as a changed line", () => {
  const urls = ["https://user:pw@git.example/r", "https://ghp_x@git.example/r", "ssh://u:pw@git.example/r"];
  const args = (more: readonly string[]) => [...wanted.args, ...more];
  const fields = { ...newFields(codex, wanted), args: args(urls) };
  const masked = ["https://***@git.example/r", "https://***@git.example/r", "ssh://u:***@git.example/r"];
  expect(differencesOf(codex, fields, wanted).map(describeDifference)).toEqual([
    `args is ${JSON.stringify(args(masked))}, should be ${JSON.stringify(wanted.args)}`,
  ]);
  const place = { scope: "user", path: "/c.toml", keys: ["mcp_servers", "pyro"] } as const;
  const { diff } = editOf(codex, place, { before: `args = ${JSON.stringify(urls)}`, after: "args = []" });
  expect(diff.split("\n").slice(3)).toEqual([
    `-args = ${JSON.stringify(masked)}`,
    expect.any(String),
    "+args = []",
    expect.any(String),
  ]);
  const plain = "git@git.example:r ssh://git@git.example/r https://git.example/@scope/a:b@c";
  expect(maskPasswords(plain)).toBe(plain);
});

test("each host has the files that it reads, the one that decides first", () => {
  const paths = (host: ChatHost, env: NodeJS.ProcessEnv = {}) =>
    host.places({ ...surroundings, env }).map(({ scope, path }) => `${scope} ${path}`);
  expect(paths(claudeCode, { CLAUDE_CONFIG_DIR: "/cc" })).toEqual([
    ...["local /cc/.claude.json", "project /u/p/sub/.mcp.json", "project /u/p/.mcp.json"],
    ...["project /u/.mcp.json", "project /.mcp.json", "user /cc/.claude.json"],
  ]);
  expect(paths(codex)).toEqual([
    ...["project /u/p/sub/.codex/config.toml", "project /u/p/.codex/config.toml", "user /u/.codex/config.toml"],
  ]);
  expect(paths(codex, { CODEX_HOME: "/ch" }).at(-1)).toBe("user /ch/config.toml");
  expect(paths(opencode, { XDG_CONFIG_HOME: "/x", OPENCODE_CONFIG: "/o.json" })).toEqual([
    ...["user /u/.opencode/opencode.jsonc", "user /u/.opencode/opencode.json"],
    ...["project /u/p/.opencode/opencode.jsonc", "project /u/p/.opencode/opencode.json"],
    ...["project /u/p/sub/.opencode/opencode.jsonc", "project /u/p/sub/.opencode/opencode.json"],
    ...["project /u/p/sub/opencode.jsonc", "project /u/p/sub/opencode.json"],
    ...["project /u/p/opencode.jsonc", "project /u/p/opencode.json"],
    ...["user /o.json", "user /x/opencode/opencode.jsonc", "user /x/opencode/opencode.json"],
    "user /x/opencode/config.json",
  ]);
});

test("Claude Code has what is the project's own under the first checkout of its repository", () => {
  const off = { projects: { "/u/r": { disabledMcpServers: ["other", "pyro"] } } };
  const elsewhere = {
    projects: { "/u/p": { disabledMcpServers: ["pyro"] }, "/u/p/sub": { disabledMcpServers: ["pyro"] } },
  };
  const said = [off, elsewhere, {}].map((config) => claudeCode.switchedOff(config, surroundings)?.text);
  expect(said).toEqual(["It is switched off for /u/r.", undefined, undefined]);
  expect(claudeCode.places(surroundings)[0]?.keys).toEqual(["projects", "/u/r", "mcpServers", "pyro"]);
});

test("Codex hands on a few variables, the others all of theirs", () => {
  const env = { HOME: "/u", PATH: "/bin", FOO: "1", BAR: "2" };
  const launch = { command: "x", args: [], env: {}, passed: ["BAR"] };
  expect(codex.environment(env, launch)).toEqual({ HOME: "/u", PATH: "/bin", BAR: "2" });
  expect(claudeCode.environment(env, launch)).toEqual({ ...env, CLAUDECODE: "1" });
  expect(opencode.environment(env, launch)).toEqual({ ...env, AGENT: "1", OPENCODE: "1" });
});

const words = string({ minLength: 1, maxLength: 20, unit: "grapheme" });
const choices: Arbitrary<ServeChoices> = record({
  profile: constant(undefined),
  mode: constantFrom(undefined, ...modes.slice(0, 2)),
  project_path: constant(undefined),
  repo_url: words.map((word) => `https://host/${encodeURIComponent(word)}`),
  repo_ref: option(words, { nil: undefined }),
  no_project_source: constant(false),
  include: constant([]),
  environment: constantFrom(undefined, "debian:12-build"),
  allow_host_paths: array(words, { maxLength: 3 }),
});

test("choices come back from the flags that they were written as", async () => {
  await assert(
    asyncProperty(choices, choices, async (one, other) => {
      const flags = serveFlagsOf(one);
      expect(await serveFlags.mean(flags, flags)).toBe(true);
      const same = JSON.stringify(flags) === JSON.stringify(serveFlagsOf(other));
      expect(await serveFlags.mean(flags, serveFlagsOf(other))).toBe(same);
    }),
    { numRuns: 100 },
  );
});
