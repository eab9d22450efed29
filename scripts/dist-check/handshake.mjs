// Speaks MCP with a server over standard input and output, by hand and without any library: the lines that a chat host would send.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expectEqual } from "./steps.mjs";

/** Milliseconds until the server must have answered everything and ended. */
const TIMEOUT_MS = 90_000;

/** Starts the server, lists its tools, runs a machine, and sees it end. */
export async function handshake(pyro, { say, ...options }) {
  const started = performance.now();
  const child = spawn(pyro, ["mcp", "serve"], {
    ...options,
    stdio: ["pipe", "pipe", "inherit"],
    timeout: TIMEOUT_MS,
  });
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal)));
  const answers = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    answers.get(message.id)?.(message);
  });
  let id = 0;
  const request = (method, params) => {
    id += 1;
    const answer = new Promise((resolve) => answers.set(id, resolve));
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return Promise.race([answer, ended.then((code) => ({ error: { message: `the server ended with ${code}` } }))]);
  };
  const clientInfo = { name: "dist-check", version: "1" };
  const hello = await request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
  expectEqual("the server's name", hello.result?.serverInfo?.name, "pyro");
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  const { result } = await request("tools/list", {});
  const ready = Math.round(performance.now() - started);
  expectEqual("that there are tools", result.tools.length > 10, true);
  const called = await request("tools/call", {
    name: "vm_run",
    arguments: { environment: "debian:12", command: "echo $((6*7))" },
  });
  expectEqual("vm_run's output", called.result?.structuredContent?.stdout, "42\n");
  child.stdin.end();
  expectEqual("the server's exit", await ended, 0);
  say(`${result.tools.length} tools after ${ready} ms`);
}
