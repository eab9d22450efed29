// Owns a server on loopback that speaks the documented parts of Ollama's HTTP API, with scripted answers. Never checks them.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly tool_name?: string;
}

export interface ChatBody {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly { readonly function: { readonly name: string } }[];
}

/** Sends an answer, or breaks off. */
export type Turn = (body: ChatBody, response: ServerResponse) => void;

export interface OllamaOptions {
  /** Model → what /api/show says that it can do. */
  readonly models?: Readonly<Record<string, readonly string[]>>;
  /** The last one also answers everything after it. */
  readonly turns?: readonly Turn[];
}

export interface OllamaServer extends AsyncDisposable {
  readonly url: string;
  /** What /api/chat was asked, in order. */
  readonly asked: readonly ChatBody[];
}

export async function openOllama({ models = {}, turns = [] }: OllamaOptions): Promise<OllamaServer> {
  const asked: ChatBody[] = [];
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/api/version") return reply(response, { version: "0.12.3" });
    if (request.url === "/api/tags") return reply(response, { models: Object.keys(models).map((name) => ({ name })) });
    const body = (await json(request)) as ChatBody;
    if (request.url === "/api/show") return reply(response, { capabilities: models[body.model], details: {} });
    asked.push(body);
    const turn = turns[Math.min(asked.length, turns.length) - 1];
    if (turn === undefined) return reply(response, { error: "no answer is scripted" }, 500);
    turn(body, response);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function reply(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

/** A streamed answer: its words in pieces, then its tool calls, then the end. */
export function says(content: string, calls: readonly (readonly [name: string, args: unknown])[] = []): Turn {
  return (body, response) => stream(response, body, { content, calls });
}

/** The same with arguments that depend on what was said before. */
export function calls(name: string, args: (body: ChatBody) => unknown): Turn {
  return (body, response) => stream(response, body, { content: "", calls: [[name, args(body)]] });
}

interface Said {
  readonly content: string;
  readonly calls: readonly (readonly [name: string, args: unknown])[];
}

function stream(response: ServerResponse, { model }: ChatBody, said: Said): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const part = (fields: object) =>
    response.write(`${JSON.stringify({ model, created_at: new Date(0).toISOString(), ...fields })}\n`);
  for (const piece of said.content.match(/.{1,12}/gsu) ?? []) {
    part({ message: { role: "assistant", content: piece }, done: false });
  }
  const tool_calls = said.calls.map(([name, args], index) => ({ function: { index, name, arguments: args } }));
  if (tool_calls.length > 0) part({ message: { role: "assistant", content: "", tool_calls }, done: false });
  part({ message: { role: "assistant", content: "" }, done: true, done_reason: "stop", eval_count: 7 });
  response.end();
}
