// Proves that no message ends an MCP server. Starts no machine.
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { serveStreams } from "../../src/surface/mcp/stdio.js";
import { fakeDaemon, ranFine } from "../unit/surface/fake-daemon.js";

function serve() {
  const input = new PassThrough();
  const output = new PassThrough();
  const { connector } = fakeDaemon(() => ranFine);
  const served = serveStreams({ profile: "vm-run", connector }, { input, output, until: new Promise(() => undefined) });
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  return {
    send: (text: string | Buffer) => input.write(Buffer.concat([Buffer.from(text as string), Buffer.from("\n")])),
    answer: async () => JSON.parse(String((await lines.next()).value)),
    end: async () => {
      input.end();
      await served;
    },
  };
}

const initialize = JSON.stringify({
  ...{ jsonrpc: "2.0", id: 0, method: "initialize" },
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } },
});
const long = { method: "tools/call", params: { name: "vm_run", arguments: { command: "x".repeat(10_500_000) } } };
const list = JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/list" });

test("a call of 10.5 MB is answered with an error of its own id, and the server goes on", async () => {
  const server = serve();
  server.send(initialize);
  expect(await server.answer()).toMatchObject({ id: 0, result: { serverInfo: { name: "pyro" } } });
  const messages = [
    { jsonrpc: "2.0", id: 1, ...long },
    { ...long, jsonrpc: "2.0", id: 2 },
    { jsonrpc: "2.0", id: "three", ...long },
    { jsonrpc: "2.0", ...long, params: { ...long.params, tail: ',"id":77}' } },
  ];
  for (const message of messages) server.send(JSON.stringify(message));
  const answers = [];
  for (const _ of messages) answers.push(await server.answer());
  expect(answers.map(({ id, error }) => [id, error.code])).toEqual([
    [1, -32_600],
    [2, -32_600],
    ["three", -32_600],
    [null, -32_600],
  ]);
  expect(answers[0].error.message).toContain("a call may have 10 MiB");
  server.send(list);
  expect(await server.answer()).toMatchObject({ id: 9, result: { tools: [{ name: "vm_run" }] } });
  await server.end();
});

test("a call whose bytes are not UTF-8 is answered with an error of its own id: it would run with other characters", async () => {
  const server = serve();
  server.send(initialize);
  await server.answer();
  const call = {
    jsonrpc: "2.0",
    id: 5,
    method: "tools/call",
    params: { name: "vm_run", arguments: { command: "rm é" } },
  };
  server.send(Buffer.from(JSON.stringify(call), "latin1"));
  expect(await server.answer()).toMatchObject({
    id: 5,
    error: { code: -32_600, message: expect.stringContaining("not UTF-8") },
  });
  server.send(list);
  expect(await server.answer()).toMatchObject({ id: 9, result: { tools: [{ name: "vm_run" }] } });
  await server.end();
});

test("a call below the limit comes through in whatever pieces it arrives, with others right behind it", async () => {
  const server = serve();
  server.send(initialize);
  await server.answer();
  const call = { ...long.params, arguments: { command: "y".repeat(120_000), timeout_seconds: 1 } };
  server.send(`${JSON.stringify({ jsonrpc: "2.0", id: 4, method: "tools/call", params: call })}\n\n${list}`);
  const answers = [await server.answer(), await server.answer()].toSorted((left, right) => left.id - right.id);
  expect(answers).toMatchObject([{ id: 4, result: { structuredContent: { exit_code: 0 } } }, { id: 9 }]);
  await server.end();
});

test("the end of the input ends the server, also in the middle of a message without end", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const { connector } = fakeDaemon(() => ranFine);
  const served = serveStreams({ profile: "vm-run", connector }, { input, output, until: new Promise(() => undefined) });
  for (let part = 0; part < 40; part += 1) if (!input.write("z".repeat(1_000_000))) await once(input, "drain");
  input.end();
  await served;
  expect(output.read()).toBeNull();
});
