// Owns speaking to `pyro mcp serve` as a chat host does, with nothing that costs time of its own. Never checks what it says.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Commands } from "./commands.js";

export interface McpClient extends AsyncDisposable {
  listTools(): Promise<unknown>;
  call(name: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
  kill(): void;
}

interface Answer {
  readonly id?: number;
  readonly result?: { readonly isError?: boolean };
}

/** Resolves once the server is initialised. */
export async function startMcp({ root, subject }: Commands, profile = "vm-run"): Promise<McpClient> {
  const script = join(root, "dist", "pyro.js");
  const child = spawn(process.execPath, [script, "mcp", "serve", "--profile", profile], {
    env: subject.env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer = JSON.parse(line) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const request = async (method: string, params: object) => {
    lastId += 1;
    const id = lastId;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    send({ id, method, params });
    const { result } = await answered;
    if (result === undefined || result.isError === true) throw new Error(`${method} failed: ${JSON.stringify(result)}`);
    return result;
  };
  const clientInfo = { name: "pyro-bench", version: "1" };
  await request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
  send({ method: "notifications/initialized" });
  return {
    listTools: () => request("tools/list", {}),
    call: (name, args) => request("tools/call", { name, arguments: args }),
    kill: () => child.kill("SIGKILL"),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
