// Proves with the real chat hosts, in a HOME of their own, that what pyro registers is what they read and start.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openConnectUser, type ConnectUser } from "./connect-user.js";
import { chatHosts, type ChatHost } from "./hosts.js";

/** Below HOME, with another server and, where the format has them, comments; and what of it must stay. */
const settings: Readonly<Record<ChatHost, { readonly path: string; readonly text: string }>> = {
  "claude-code": {
    path: ".claude.json",
    text: JSON.stringify({ theme: "dark", mcpServers: { other: { type: "stdio", command: "/bin/false" } } }, null, 2),
  },
  codex: {
    path: ".codex/config.toml",
    text: "# mine\nmodel = \"x\" # keep\n\n[mcp_servers.other] # theirs\ncommand = '/bin/false'\nstartup_timeout_sec = 1\n",
  },
  opencode: {
    path: ".config/opencode/opencode.jsonc",
    text: '{\n  // mine\n  "$schema": "https://opencode.ai/config.json",\n  "mcp": {\n    "other": { "type": "local", "command": ["/bin/false"] }, // theirs\n  },\n}\n',
  },
};

/** How each host says in its list that our server is in order; Codex's does not start it. */
const inOrder: Readonly<Record<ChatHost, RegExp>> = {
  "claude-code": /pyro: .*✔ Connected/u,
  codex: /pyro .* enabled/u,
  opencode: /✓ pyro .*connected/u,
};

/** That the host itself, started anywhere, has the server with these flags, and gets an answer where it asks for one. */
async function expectSeen(user: ConnectUser, host: ChatHost, flags: readonly string[]): Promise<void> {
  const { printed } = await user.host(host, ["mcp", "list"], "/");
  expect(printed).toMatch(inOrder[host]);
  expect(printed).toContain(["pyro.js mcp serve", ...flags].join(" "));
  expect(printed.match(/--[a-z-]+/gu) ?? []).toEqual(flags.filter((flag) => flag.startsWith("--")));
}

test.each(chatHosts)("[host-connect] %s, with settings of its own, gets the entry once, and connects", async (host) => {
  await using user = openConnectUser();
  const { path, text } = settings[host];
  user.write(path, text);
  const flags = ["--mode", "repro-fix", "--allow-host-path", join(user.project, "out")];
  const connect = ["host", "connect", host, "--mode", "repro-fix", "--allow-host-path", "out"];
  expect(await user.json(...connect, "--dry-run")).toMatchObject({
    code: 0,
    changed: true,
    file: join(user.user, path),
  });
  expect(user.read(path)).toBe(text);

  const connected = await user.json(...connect);
  expect(connected).toMatchObject({ code: 0, changed: true, file: join(user.user, path) });
  expect(connected.command === null).toBe(host !== "claude-code");
  await expectSeen(user, host, flags);
  const kept = user.read(path);
  const lines = text.split("\n").filter((line) => host !== "claude-code" && line.trim() !== "");
  expect(lines.filter((line) => !kept.includes(line))).toEqual([]);
  expect(kept).toContain("/bin/false");

  expect(await user.json(...connect)).toMatchObject({ code: 0, changed: false, change: null });
  expect(user.read(path)).toBe(kept);
  expect(await user.json("host", "doctor", host)).toMatchObject({
    code: 0,
    hosts: [{ host, state: "connected", scope: "user", file: join(user.user, path) }],
  });
  // Other choices replace the first, in the same entry.
  expect(await user.json("host", "connect", host)).toMatchObject({ code: 0, changed: true, command: null });
  await expectSeen(user, host, []);
});

test.each(chatHosts)("[host-connect] %s, which was never started, gets its first settings", async (host) => {
  await using user = openConnectUser();
  expect(await user.json("host", "connect", host)).toMatchObject({ code: 0, changed: true });
  await expectSeen(user, host, []);
  const first = user.read(host === "opencode" ? ".config/opencode/opencode.json" : settings[host].path);
  expect(first.match(/pyro\.js/gu)).toHaveLength(1);
});

test.each(chatHosts)("[host-repair] %s starts a repaired entry again", async (host) => {
  await using user = openConnectUser();
  expect(await user.json("host", "connect", host, "--mode", "inspect")).toMatchObject({ code: 0 });
  const path = host === "opencode" ? ".config/opencode/opencode.json" : settings[host].path;
  const drifted = user.read(path).replaceAll(process.execPath, "/old/node");
  user.write(path, drifted);
  const sick = await user.json("host", "doctor", host);
  expect({ code: sick.code, state: sick.hosts[0].state, fix: sick.findings[0].fix }).toEqual({
    code: 69,
    state: "drifted",
    fix: `pyro host repair ${host}`,
  });
  expect(await user.json("host", "repair", host)).toMatchObject({ code: 0, ok: true, notes: [] });
  expect(user.read(path)).toBe(drifted.replaceAll("/old/node", process.execPath));
  await expectSeen(user, host, ["--mode", "inspect"]);
});

test.each(chatHosts)(
  "[host-broken] broken settings of %s are left to the user, and the host is not run on them",
  async (host) => {
    await using user = openConnectUser();
    const path = settings[host].path;
    const text = '{ "mcpServers": {\n[\n';
    user.write(path, text);
    const refused = await user.json("host", "connect", host);
    expect({ code: refused.code, error: refused.error.code }).toEqual({ code: 73, error: "failed_precondition" });
    expect(refused.error.message).toMatch(/:\d+:\d+ cannot be parsed: /u);
    const { code, findings } = await user.json("host", "doctor", host);
    expect({ code, codes: findings.map((each: { code: string }) => each.code) }).toEqual({
      code: 69,
      codes: ["host_config"],
    });
    expect(user.read(path)).toBe(text);
    expect(existsSync(join(user.user, ".claude"))).toBe(false);
  },
);

/** How a host shows the entry of a project's file; Claude Code waits for a person's leave, Codex does not say more. */
const projectLines: Readonly<Record<ChatHost, RegExp>> = {
  "claude-code": /pyro: .*Pending approval/u,
  codex: /pyro .*mcp serve.* enabled/u,
  opencode: /✓ pyro .*connected/u,
};

test.each(chatHosts)("[host-scope] %s reads an entry of the project in the project", async (host) => {
  await using user = openConnectUser();
  const files = { "claude-code": ".mcp.json", codex: ".codex/config.toml", opencode: "opencode.json" };
  const file = join(user.project, files[host]);
  const inside = join(user.project, "inside");
  mkdirSync(inside);
  const { code, stdout } = await user.pyro(["host", "connect", host, "--scope", "project", "--json"], { cwd: inside });
  expect({ code, file: JSON.parse(stdout.toString()).file }).toEqual({ code: 0, file });
  const findings = async () => (await user.json("host", "doctor", host)).findings;
  const codes = (await findings()).map((each: { code: string }) => each.code);
  const expected = {
    "claude-code": ["host_ignored", "host_connected"],
    codex: ["host_ignored", "host_not_connected"],
    opencode: ["host_connected"],
  };
  expect(codes).toEqual(expected[host]);
  user.write(".codex/config.toml", `[projects.${JSON.stringify(user.project)}]\ntrust_level = "trusted"\n`);
  const { printed } = await user.host(host, ["mcp", "list"], inside);
  expect(printed).toMatch(projectLines[host]);
  expect(await user.json("host", "doctor", host)).toMatchObject({ code: 0, hosts: [{ scope: "project", file }] });
});

test("[host-scope] Claude Code's own entry of a project hides the user's, and doctor says so", async () => {
  await using user = openConnectUser();
  expect(await user.json("host", "connect", "claude-code")).toMatchObject({ code: 0 });
  const local = ["mcp", "add", "--scope", "local", "pyro", "--", "/bin/false", "mcp", "serve"];
  expect(await user.host("claude-code", local)).toMatchObject({ code: 0 });
  const { findings, hosts } = await user.json("host", "doctor", "claude-code");
  expect({ scope: hosts[0].scope, codes: findings.map((each: { code: string }) => each.code) }).toEqual({
    scope: "local",
    codes: ["host_drifted", "host_shadowed", "host_untrusted"],
  });
});
