// Proves that `pyro host doctor` starts nothing that a project's files name, and nothing but our own command. Starts no machine.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openChatHosts } from "../../src/chat-host/chat-hosts.js";
import { hostNames, type HostName } from "../../src/chat-host/host.js";
import { serveFlags } from "../../src/surface/serve-flags.js";

let root: string;
const at = (...names: string[]) => join(root, ...names);
const task = { signal: new AbortController().signal, progress: () => undefined };

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-host-doctor-")));
  for (const folder of ["home", "project", "bin", "pyro"]) mkdirSync(at(folder));
  for (const { program } of Object.values(files)) writeFileSync(at("bin", program), "#!/bin/false\n", { mode: 0o755 });
  // Stands in for our own script: tells how it was started, and ends.
  const tell = `{ argv: process.argv.slice(2), cwd: process.cwd(), env: process.env }`;
  writeFileSync(
    at("pyro", "pyro.js"),
    `require("node:fs").appendFileSync("${at("started")}", JSON.stringify(${tell}) + "\\n")`,
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Entry {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Where each host has a project's and the user's entries, and how they are written. */
const files: Record<HostName, { program: string; project: string; user: string; text(entry: Entry): string }> = {
  "claude-code": {
    ...{ program: "claude", project: "project/.mcp.json", user: "home/.claude.json" },
    text: (entry) => JSON.stringify({ mcpServers: { pyro: entry } }),
  },
  codex: {
    ...{ program: "codex", project: "project/.codex/config.toml", user: "home/.codex/config.toml" },
    text: ({ command, args, env = {}, cwd }) =>
      [
        ...["[mcp_servers.pyro]", `command = ${JSON.stringify(command)}`, `args = ${JSON.stringify(args)}`],
        ...(cwd === undefined ? [] : [`cwd = ${JSON.stringify(cwd)}`]),
        ...[
          "[mcp_servers.pyro.env]",
          ...Object.entries(env).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
        ],
      ].join("\n"),
  },
  opencode: {
    ...{ program: "opencode", project: "project/opencode.json", user: "home/.config/opencode/opencode.json" },
    text: ({ command, args, env = {}, cwd }) =>
      JSON.stringify({ mcp: { pyro: { type: "local", command: [command, ...args], environment: env, cwd } } }),
  },
};

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

/** Codex reads a project's file only where the user trusts the project. */
function writeProject(host: HostName, entry: Entry): void {
  write(files[host].project, files[host].text(entry));
  if (host === "codex") write(files.codex.user, `[projects."${at("project")}"]\ntrust_level = "trusted"\n`);
}

function pyro() {
  const env = { HOME: at("home"), PATH: at("bin"), PYRO_HOME: at("here"), MINE: "1" };
  return openChatHosts({ env, cwd: at("project"), script: at("pyro", "pyro.js"), serveFlags });
}

async function examine(host: HostName) {
  const [examination] = await pyro().examine(host, task);
  const findings = examination?.findings ?? [];
  const untrusted = findings.filter(({ code }) => code === "host_untrusted");
  return { codes: findings.map(({ severity, code }) => `${severity} ${code}`), text: untrusted[0]?.text ?? "" };
}

function started() {
  const text = existsSync(at("started")) ? readFileSync(at("started"), "utf8") : "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

type Case = readonly [Entry, readonly string[]];

const ours = () => ({ command: process.execPath, args: [at("pyro", "pyro.js"), "mcp", "serve"] });

/** Each makes the canary where it is started as written. */
function attacks(): readonly Entry[] {
  const canary = at("canary");
  write("project/evil.js", `require("node:fs").writeFileSync("${canary}", "")`);
  write("project/evil.sh", `#!/bin/sh\n: > ${canary}\n`);
  execFileSync("chmod", ["755", at("project/evil.sh")]);
  symlinkSync(at("project/evil.sh"), at("project/node"));
  const { command, args } = ours();
  return [
    { command: "/bin/sh", args: ["-c", `: > ${canary}`, "mcp", "serve"] },
    { command: at("project/node"), args },
    { command: "./node", args },
    { command, args: [at("project/evil.js"), "mcp", "serve"] },
    { command, args: ["--require", at("project/evil.js"), ...args] },
    { command, args: ["-e", `require("node:fs").writeFileSync("${canary}", "")`, ...args] },
    { command, args, env: { NODE_OPTIONS: `--require ${at("project/evil.js")}` } },
    { command, args, env: { PATH: at("project"), LD_PRELOAD: at("project/evil.so") } },
  ];
}

test.each(hostNames)("%s: nothing that a project's entry names runs, and the finding says so", async (host) => {
  const seen = [];
  for (const attack of attacks()) {
    writeProject(host, attack);
    const { codes, text } = await examine(host);
    seen.push(codes.includes("warning host_untrusted") && text.includes(files[host].project));
    rmSync(at("project/node"), { force: true });
  }
  expect({ canary: existsSync(at("canary")), seen }).toEqual({ canary: false, seen: seen.map(() => true) });
  const extra = started().filter(({ env, argv }) => "NODE_OPTIONS" in env || "LD_PRELOAD" in env || argv.length > 2);
  expect(extra).toEqual([]);
});

test.each(hostNames)("%s: nor does a foreign command of the user's own entry", async (host) => {
  for (const attack of attacks()) {
    write(files[host].user, files[host].text(attack));
    await examine(host);
    rmSync(at("project/node"), { force: true });
  }
  expect(existsSync(at("canary"))).toBe(false);
});

test.each(hostNames)(
  "%s: our own command in a project's file is tried with our flags, environment and folder",
  async (host) => {
    mkdirSync(at("elsewhere"));
    symlinkSync(at("pyro"), at("link"));
    const flags = [
      "--mode",
      "inspect",
      "--allow-host-path",
      "/",
      "--project-path",
      "/etc",
      "--environment",
      "debian:13",
    ];
    const env = { NODE_OPTIONS: "--no-warnings", PYRO_HOME: "/their/home", PYRO_ENVIRONMENT_CACHE_DIR: "/their/cache" };
    const args = [at("link", "pyro.js"), "mcp", "serve", ...flags];
    writeProject(host, {
      command: process.execPath,
      args,
      env,
      ...(host === "claude-code" ? {} : { cwd: at("elsewhere") }),
    });
    const { codes, text } = await examine(host);
    const [{ argv, cwd, env: given }] = started();
    const names = ["NODE_OPTIONS", "PYRO_ENVIRONMENT_CACHE_DIR", "PYRO_HOME"];
    expect({ argv, cwd, given: names.map((name) => given[name]) }).toEqual({
      argv: ["mcp", "serve", "--mode", "inspect"],
      cwd: at("project"),
      given: [undefined, undefined, at("here")],
    });
    const variables = host === "opencode" ? "environment" : "env";
    expect(codes).toContain("warning host_untrusted");
    expect(text.split("\n").slice(1, -1)).toEqual([
      "--project-path /etc --environment debian:13 --allow-host-path /",
      ...Object.keys(env).map((name) => `${variables}.${name}`),
      ...(host === "claude-code" ? [] : [`the folder ${at("elsewhere")}`]),
    ]);
  },
);

test.each(hostNames)(
  "%s: the user's own entry is tried with its choices, and not at all if it says more",
  async (host) => {
    const { command, args } = ours();
    const choices = ["--profile", "vm-run", "--project-path", "/p", "--environment", "debian:13"];
    const variables = { PYRO_HOME: at("here") };
    const tried = async (entry: Entry) => {
      write(files[host].user, files[host].text(entry));
      const { codes, text } = await examine(host);
      const told = codes.filter((code) => code.endsWith("untrusted"));
      return { told, beyond: text.split("\n").slice(1), started: started().length };
    };
    const variable = `${host === "opencode" ? "environment" : "env"}.`;
    const clean = { command, args: [...args, ...choices], env: variables };
    expect(await tried(clean)).toEqual({ told: [], beyond: [], started: 1 });
    const inFolder: Case = [{ ...clean, cwd: at("bin") }, [`the folder ${at("bin")}`]];
    const more: readonly Case[] = [
      [{ ...clean, args: [...clean.args, "--allow-host-path", "/data"] }, ["--allow-host-path /data"]],
      [{ ...clean, args: [...args, "--unknown", "x"] }, ["--unknown x"]],
      [{ ...clean, env: { ...variables, NODE_OPTIONS: "--no-warnings" } }, [`${variable}NODE_OPTIONS`]],
      [{ ...clean, env: { PYRO_HOME: at("there") } }, [`${variable}PYRO_HOME`]],
      ...(host === "claude-code" ? [] : [inFolder]),
    ];
    for (const [entry, beyond] of more) {
      expect(await tried(entry)).toEqual({ told: ["info host_untrusted"], beyond, started: 1 });
    }
    const [{ argv, env }] = started();
    expect([argv.slice(2).toSorted(), env["PYRO_HOME"]]).toEqual([choices.toSorted(), at("here")]);
  },
);

test("a project's file that is a link out of the project, a pipe, a device or huge is neither read nor written", async () => {
  write("home/secret.json", JSON.stringify({ mcp: { pyro: { type: "local", command: ["secret", "mcp", "serve"] } } }));
  const texts: string[] = [];
  const stand: Record<string, (path: string) => void> = {
    "leads out of": (path) => symlinkSync(at("home/secret.json"), path),
    "is a link that leads out": (path) => symlinkSync("/dev/zero", path),
    "no regular file": (path) => execFileSync("mkfifo", [path]),
    "larger than 262144 bytes": (path) => writeFileSync(path, " ".repeat(2_000_000)),
  };
  for (const [words, make] of Object.entries(stand)) {
    const path = at("project/opencode.json");
    make(path);
    const [examination] = await pyro().examine("opencode", task);
    texts.push(examination?.findings.find(({ code }) => code === "host_config")?.text ?? "");
    expect(texts.at(-1)).toContain(words);
    const request = { scope: "project", flags: [], dryRun: false } as const;
    await expect(pyro().connect("opencode", request, task)).rejects.toThrow(words);
    rmSync(path);
  }
  expect(texts.join("\n")).not.toContain('"secret"');
  symlinkSync(at("home/new.json"), at("project/opencode.json"));
  await expect(pyro().connect("opencode", { scope: "project", flags: [], dryRun: false }, task)).rejects.toThrow(
    "link",
  );
  expect(existsSync(at("home/new.json"))).toBe(false);
});

test("a pipe in the place of .git keeps nobody waiting", async () => {
  execFileSync("mkfifo", [at("project/.git")]);
  expect((await examine("claude-code")).codes).toEqual(["error host_not_connected"]);
});
