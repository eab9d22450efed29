// Proves what a client does when its daemon goes away under a call, with a server of this test as the daemon.

import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectDaemon } from "../../../src/client/connect.js";
import { daemonProtocolVersion } from "../../../src/daemon/protocol.js";

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

let home: string;
let server: Server;
/** What is done with each request, in order; the last is done with all that follow. */
let handles: Handle[];
let requests: number;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "pyro-connect-"));
  requests = 0;
  server = createServer((request, response) => {
    handles[Math.min(requests, handles.length - 1)]?.(request, response);
    requests += 1;
  });
  const socket = join(home, "daemon.sock");
  server.listen(socket);
  await once(server, "listening");
  mkdirSync(join(home, "state"), { mode: 0o700 });
  // Code that is not bundled takes a daemon of any build for its own.
  const started_at = new Date().toISOString();
  const record = {
    pid: process.pid,
    version: "9.9.9",
    build: "b",
    socket,
    started_at,
    protocol: daemonProtocolVersion,
  };
  writeFileSync(join(home, "state", "daemon.json"), JSON.stringify(record));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(home, { recursive: true });
});

const gone: Handle = (request) => request.socket.destroy();
/** Says that it begins, and goes away then. */
const begun: Handle = (request, response) => {
  response.writeHead(200).flushHeaders();
  setImmediate(() => request.socket.destroy());
};
/** Answers with what comes after the call itself, to its end. */
const echo: Handle = async (request, response) => {
  response.writeHead(200).flushHeaders();
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (!text.includes("stdin_end")) continue;
    const lines = text.trim().split("\n").slice(1);
    response.end(`${JSON.stringify({ result: lines.map((line) => JSON.parse(line)) })}\n`);
    return;
  }
};

const connected = () => connectDaemon({ env: { PYRO_HOME: home }, command: [] });

test("a call that has not begun when its daemon goes away is made again, with all of its input and its signals", async () => {
  handles = [gone, gone, echo];
  const stdin = new PassThrough();
  stdin.end("input");
  const daemon = await connected();
  const result = await daemon.call("any", {}, { stdin, onSignalSender: (send) => send("INT") });
  expect(result).toEqual([{ signal: "INT" }, { stdin: Buffer.from("input").toString("base64") }, { stdin_end: true }]);
  expect(requests).toBe(3);
});

test("a call that has begun is never made again", async () => {
  handles = [begun, echo];
  const daemon = await connected();
  await expect(daemon.call("any", {})).rejects.toMatchObject({ code: "unavailable" });
  expect(requests).toBe(1);
});

test("a daemon that always goes away is given up, and a caller who no longer waits is not kept", async () => {
  handles = [gone];
  await expect((await connected()).call("any", {})).rejects.toMatchObject({ code: "unavailable" });
  expect(requests).toBe(10);
  const caller = new AbortController();
  handles = [(request, response) => (caller.abort(new Error("enough")), gone(request, response))];
  await expect((await connected()).call("any", {}, { signal: caller.signal })).rejects.toThrow("enough");
  expect(requests).toBe(11);
});
