// Proves that a handshake ends in time, says why, and leaves nothing running, whatever is registered as the server.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { handshake } from "../../../src/chat-host/handshake.js";
import { eventually } from "../../e2e/eventually.js";
import { isAlive } from "../../e2e/processes.js";

/** For servers that use it up. */
const timeoutMs = 1000;
/** For those that are told apart before, however busy the machine is. */
const amplyMs = 30_000;
/** Where it does not matter. */
const protocol = "2025-06-18" as const;
const never = () => new AbortController().signal;

function launchOf(command: string, args: readonly string[]) {
  return { command, args, env: {}, passed: [], cwd: "/", environment: { PATH: process.env["PATH"] } };
}

/** A server in a line of JavaScript: what it answers to each method. */
function serverThat(answers: string): ReturnType<typeof launchOf> {
  const program = `
    const unknown = {};
    const answers = ${answers};
    require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { id, method, params } = JSON.parse(line);
      if (answers[method] === unknown) {
        return console.log(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }));
      }
      const result = answers[method]?.(params ?? {});
      if (result !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });`;
  return launchOf(process.execPath, ["-e", program]);
}

const initialize = `initialize: ({ protocolVersion }) =>
  ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "other", version: "9" } })`;
const shell = (line: string) => launchOf("/bin/sh", ["-c", line]);

test("a server gives its name and all pages of its tools", async () => {
  const tool = '{ name: "a", inputSchema: { type: "object" } }';
  const pages = `({ cursor }) => cursor ? { tools: [${tool}] } : { tools: [${tool}, ${tool}], nextCursor: "2" }`;
  const options = { signal: never(), timeoutMs: amplyMs, protocol } as const;
  const result = await handshake(serverThat(`{ ${initialize}, "tools/list": ${pages} }`), options);
  expect(result).toEqual({
    kind: "completed",
    server: { name: "other", version: "9" },
    tools: ["a", "a", "a"],
    protocol: "2025-06-18",
    milliseconds: expect.any(Number),
  });
});

const discover = `"server/discover": () =>
  ({ resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "private",
    _meta: { "io.modelcontextprotocol/serverInfo": { name: "other", version: "9" } } })`;
const oneTool = `"tools/list": () =>
  ({ resultType: "complete", ttlMs: 0, cacheScope: "private", tools: [{ name: "a", inputSchema: { type: "object" } }] })`;

test.each([
  ["2026-07-28", `{ ${discover}, ${oneTool} }`, "2026-07-28"],
  ["2026-07-28", `{ ${discover}, ${initialize}, ${oneTool} }`, "2026-07-28"],
  ["2026-07-28", `{ "server/discover": unknown, ${initialize}, ${oneTool} }`, "2025-11-25"],
  ["2025-11-25", `{ ${discover}, ${initialize}, ${oneTool} }`, "2025-11-25"],
  ["2025-06-18", `{ ${discover}, ${initialize}, ${oneTool} }`, "2025-06-18"],
] as const)("a host that asks for %s comes to speak with %s: %s", async (protocol, answers, spoken) => {
  const result = await handshake(serverThat(answers), { signal: never(), timeoutMs: amplyMs, protocol });
  expect(result).toMatchObject({
    kind: "completed",
    server: { name: "other", version: "9" },
    tools: ["a"],
    protocol: spoken,
  });
});

interface Case {
  readonly server: string;
  readonly launch: ReturnType<typeof launchOf>;
  readonly reason: unknown;
  readonly silent?: boolean;
}

const silent = { reason: "It did not answer within 1 s.", silent: true } as const;

const cases: readonly Case[] = [
  { server: "says nothing", launch: shell("exec sleep 60"), ...silent },
  { server: "answers the first request only", launch: serverThat(`{ ${initialize} }`), ...silent },
  {
    server: "ends",
    launch: shell("echo no; exit 3"),
    reason: 'It ended with exit code 3 instead of answering. On standard output it printed: "no"',
  },
  { server: "is killed", launch: shell("kill -9 $$"), reason: "It ended by SIGKILL instead of answering." },
  {
    server: "is not there",
    launch: launchOf("/nowhere/pyro", []),
    reason: "It cannot be started: spawn /nowhere/pyro ENOENT.",
  },
  {
    server: "prints for ever",
    launch: shell("exec yes"),
    reason: expect.stringMatching(/^It prints what is no MCP\. On standard output it printed: "y/u),
  },
  {
    server: "prints a line without end",
    launch: shell("exec tr '\\0' x < /dev/zero"),
    reason: "It prints a line without end.",
  },
  {
    server: "ignores that it should end",
    launch: shell("trap '' TERM HUP; while :; do sleep 60; done"),
    ...silent,
  },
];

test.concurrent.each(cases)("a server that $server is explained", async ({ launch, reason, silent }) => {
  const options = { signal: never(), timeoutMs: silent === true ? timeoutMs : amplyMs, protocol };
  expect(await handshake(launch, options)).toEqual({ kind: "failed", reason, stderrTail: "" });
});

test("the end of what it says on standard error is kept", async () => {
  const result = await handshake(shell("seq 100000 >&2; exit 1"), { signal: never(), timeoutMs: 20_000, protocol });
  const stderrTail = expect.stringMatching(/^[\d\s]{1,2048}\n100000$/u);
  expect(result).toMatchObject({ kind: "failed", stderrTail });
});

test.concurrent(
  "nothing of it is left, and who leaves its group does not hold up the answer",
  async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), "pyro-handshake-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const line = `sleep 60 & echo $! > ${folder}/child; setsid sh -c 'echo $$ > ${folder}/away; exec sleep 60' & wait`;
    const result = await handshake(shell(line), { signal: never(), timeoutMs: 4000, protocol });
    expect(result).toMatchObject({ kind: "failed", reason: "It did not answer within 4 s." });
    const pidIn = (name: string) => Number(readFileSync(join(folder, name), "utf8"));
    process.kill(pidIn("away"), "SIGKILL");
    expect(
      await eventually(
        () => isAlive(pidIn("child")),
        (alive) => !alive,
      ),
    ).toBe(false);
  },
);

test.concurrent("a caller that gives up is obeyed", async () => {
  const controller = new AbortController();
  const running = handshake(shell("exec sleep 60"), { signal: controller.signal, timeoutMs: 60_000, protocol });
  controller.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
});
