// Proves that a real MCP client gets on with `pyro mcp serve` over stdio, and real machines behind it.

import { expect, test } from "vitest";
import { openHome, sharedHome, type Home } from "./home.js";
import { idle, nothing } from "./idle.js";
import { connectMcp, type McpOptions } from "./mcp-client.js";

const home = sharedHome();
const serve = ["mcp", "serve", "--profile", "vm-run"];

function connect(of: Pick<Home, "env">, protocol?: McpOptions["protocol"]) {
  return connectMcp(of, { args: serve.slice(2), protocol });
}

const protocols = ["2026-07-28", "2025-11-25"] as const;

test.each(protocols)(
  "[mcp-at-once] initialize and tools/list are answered before any daemon or machine exists (%s)",
  async (protocol) => {
    await using fresh = openHome();
    await using server = await connect(fresh, protocol);
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["vm_run"]);
    expect(server.client.getInstructions()).toContain("vm_run");
    expect(fresh.processes("daemon")).toEqual([]);
  },
);

test.each(protocols)(
  "[mcp-vm-run] vm_run runs one shell command in a machine of its own; a failing one is a result (%s)",
  async (protocol) => {
    await using server = await connect(home, protocol);
    const result = await server.client.callTool({
      name: "vm_run",
      arguments: { command: "pwd; id -un; echo $0; echo oops >&2; exit 3" },
    });
    expect(result.isError ?? false).toBe(false);
    expect(result.structuredContent).toMatchObject({
      exit_code: 3,
      timed_out: false,
      stdout: "/workspace\nroot\n/bin/bash\n",
      stderr: "oops\n",
    });
  },
);

test.each(protocols)(
  "[mcp-errors] what the model did wrong comes back as a result that says what to do (%s)",
  async (protocol) => {
    await using server = await connect(home, protocol);
    const unknown = await server.client.callTool({
      name: "vm_run",
      arguments: { command: "true", environment: "nope:1" },
    });
    expect(unknown).toMatchObject({ isError: true, structuredContent: { error: { code: "not_found" } } });
    const extra = await server.client.callTool({ name: "vm_run", arguments: { command: "true", network: true } });
    expect(extra).toMatchObject({ isError: true, structuredContent: { error: { code: "invalid_argument" } } });
  },
);

test("[mcp-too-long] a call of 10.5 MB is an error that says what to do, and the next one is answered", async () => {
  await using server = await connect(home);
  const call = server.client.callTool({ name: "vm_run", arguments: { command: "x".repeat(10_500_000) } });
  await expect(call).rejects.toThrow(/a call may have 10 MiB/u);
  const { tools } = await server.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["vm_run"]);
});

test("[mcp-bounded] output larger than a host takes comes back as head and tail", async () => {
  await using server = await connect(home);
  const result = await server.client.callTool({
    name: "vm_run",
    arguments: { command: "seq 1 200000; seq 1 200000 >&2" },
  });
  expect(JSON.stringify(result.structuredContent).length).toBeLessThanOrEqual(48_000);
  expect(result.structuredContent).toMatchObject({
    stdout_truncated: true,
    stdout: expect.stringMatching(/^1\n2\n[^]*\n\[… lines \d+–\d+ of 200000 left out here, [^]*199999\n200000\n$/u),
  });
});

test.each(protocols)(
  "[mcp-progress] [mcp-cancel] a client that asked hears of progress, and canceling ends the machine (%s)",
  async (protocol) => {
    await using own = openHome();
    await using server = await connect(own, protocol);
    const stop = new AbortController();
    const messages: (string | undefined)[] = [];
    const call = server.client.callTool(
      { name: "vm_run", arguments: { command: "sleep 40", timeout_seconds: 40 } },
      {
        signal: stop.signal,
        onprogress: ({ message }) => {
          messages.push(message);
          if (message?.startsWith("Running the command") === true) stop.abort();
        },
      },
    );
    await expect(call).rejects.toThrow("abort");
    expect(messages.length).toBeGreaterThan(0);
    expect(await idle(own)).toEqual(nothing);
  },
);

test("[mcp-ends] the server ends when standard input does, also in the middle of a call, and its machine with it", async () => {
  await using own = openHome();
  const server = own.start(serve, { stdin: "open" });
  const send = (message: object) => server.child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  send({
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
  });
  await server.printed('"id":1');
  send({ method: "notifications/initialized" });
  send({
    id: 2,
    method: "tools/call",
    params: { name: "vm_run", arguments: { command: "sleep 40" }, _meta: { progressToken: 7 } },
  });
  await server.printed("notifications/progress");
  server.child.stdin?.end();
  expect(await server.finished).toMatchObject({ code: 0, signal: null, stderr: "" });
  expect(await idle(own)).toEqual(nothing);
});

test("[mcp-piped] requests that are piped in are answered before the server ends", async () => {
  const initialize = {
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
  };
  const lines = [initialize, { method: "notifications/initialized" }, { id: 2, method: "tools/list" }];
  const stdin = lines.map((line) => `${JSON.stringify({ jsonrpc: "2.0", ...line })}\n`).join("");
  const { code, stdout } = await home.pyro(serve, { stdin: Buffer.from(stdin) });
  const ids = stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id);
  expect([code, ids]).toEqual([0, [1, 2]]);
});

test.each([
  [["mcp", "serve", "--profile", "workspace-full"], "The profile workspace-full is not built yet."],
  [["mcp", "serve", "--mode", "cold-start"], "The mode cold-start is not built yet."],
])("[mcp-refused] %j is refused by name, with nothing on standard output", async (args, message) => {
  const { code, stdout, stderr } = await home.pyro(args);
  expect([code, stdout.toString(), stderr.split("\n")[0]]).toEqual([64, "", `pyro: ${message}`]);
});

test.each([
  [["--mode", "inspect", "--profile", "vm-run"], "A mode and a profile exclude each other."],
  [["--repo-ref", "main"], "--repo-ref needs --repo-url."],
  [
    ["--repo-url", "https://you:SECRET@host/a.git"],
    'repo_url: The repository URL "https://***@host/a.git" has a password or token in it, which would be stored and shown with it.',
  ],
  [
    ["--project-path", "/", "--no-project-source"],
    "--project-path, --repo-url and --no-project-source exclude each other.",
  ],
])("[mcp-project] choices that contradict each other, or hold a secret, are refused: %j", async (args, message) => {
  const { code, stdout, stderr } = await home.pyro(["mcp", "serve", ...args]);
  expect([code, stdout.toString(), stderr.split("\n")[0]]).toEqual([64, "", `pyro: ${message}`]);
});
