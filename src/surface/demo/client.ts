// Owns calling an Ollama server: deadlines, bounds, and errors that say what to do. Never knows what is talked about.
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type * as z from "zod";
import { PyroError } from "../../base/error.js";
import { readLines } from "../../daemon/lines.js";
import {
  chatPart,
  failure,
  showAnswer,
  tagsAnswer,
  versionAnswer,
  type AssistantMessage,
  type ChatRequest,
  type ToolCall,
} from "./wire.js";

/** Milliseconds for a question about the server, and for one answer of a model, which may have to be loaded first. */
const askTimeoutMs = 10_000;
const chatTimeoutMs = 5 * 60_000;
/** Bytes of one answer, and of one line of it. */
const maxAnswerBytes = 4 * 1024 * 1024;
/** Tokens that the server keeps in mind; its own default would not hold the tools. */
const contextTokens = 16_384;

export interface Ollama {
  /** Also proves that it is there. */
  version(signal: AbortSignal): Promise<string>;
  /** Names of the models that are installed. */
  models(signal: AbortSignal): Promise<readonly string[]>;
  /** Whether it can call tools; undefined where the server does not say. */
  canCallTools(model: string, signal: AbortSignal): Promise<boolean | undefined>;
  chat(request: ChatRequest, signal: AbortSignal): Promise<AssistantMessage>;
}

export function ollamaAt(baseUrl: string): Ollama {
  const post = (path: string, body: unknown) => ({ url: endpoint(baseUrl, path), body });
  return {
    version: async (signal) => (await ask({ url: endpoint(baseUrl, "api/version") }, versionAnswer, signal)).version,
    models: async (signal) =>
      (await ask({ url: endpoint(baseUrl, "api/tags") }, tagsAnswer, signal)).models.map(({ name }) => name),
    canCallTools: async (model, signal) =>
      (await ask(post("api/show", { model }), showAnswer, signal)).capabilities?.includes("tools"),
    chat: (request, signal) =>
      chat(post("api/chat", { ...request, stream: true, options: { num_ctx: contextTokens } }), signal),
  };
}

interface Request {
  readonly url: URL;
  /** Sent as JSON by POST; without it a GET. */
  readonly body?: unknown;
}

/** Below whatever path the address has. */
function endpoint(baseUrl: string, path: string): URL {
  return new URL(path, baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`);
}

async function ask<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  signal: AbortSignal,
): Promise<z.output<Schema>> {
  return within(request, { signal, timeoutMs: askTimeoutMs }, async (response) => {
    const parts: string[] = [];
    for await (const line of linesOf(response)) parts.push(line);
    return parse(schema, parts.join("\n"), request);
  });
}

async function chat(request: Request, signal: AbortSignal): Promise<AssistantMessage> {
  return within(request, { signal, timeoutMs: chatTimeoutMs }, async (response) => {
    const said = { content: "", thinking: "" };
    const calls: ToolCall[] = [];
    for await (const line of linesOf(response)) {
      if (line.trim() === "") continue;
      const { message, done } = parse(chatPart, line, request);
      said.content += message?.content ?? "";
      said.thinking += message?.thinking ?? "";
      calls.push(...(message?.tool_calls ?? []));
      if (done) {
        const thinking = said.thinking === "" ? {} : { thinking: said.thinking };
        const tools = calls.length === 0 ? {} : { tool_calls: calls };
        return { role: "assistant", content: said.content, ...thinking, ...tools };
      }
    }
    throw malformed(request, "it ended in the middle");
  });
}

/** Sends the request and reads the answer with `read`; every failure is a PyroError. */
async function within<Value>(
  request: Request,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  read: (response: Response) => Promise<Value>,
): Promise<Value> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const { url, body } = request;
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: jsonHeaders };
  try {
    const response = await fetch(url, { ...sent, signal: AbortSignal.any([signal, deadline]) });
    if (!response.ok) throw await refusal(request, response);
    return await read(response);
  } catch (error) {
    if (error instanceof PyroError) throw error;
    if (signal.aborted) throw signal.reason;
    if (deadline.aborted) {
      throw new PyroError("deadline_exceeded", `${url.href} did not answer within ${timeoutMs / 1000} s.`, {
        hint: "Take a smaller model with --model, or try again now that it is loaded.",
        cause: error,
      });
    }
    throw unreachable(url, error);
  }
}

const jsonHeaders = { "content-type": "application/json" };

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  // The two declarations of the same stream, the browser's and Node's, do not know each other.
  const stream = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  yield* readLines(bounded(stream), maxAnswerBytes);
}

async function* bounded(stream: Readable): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > maxAnswerBytes) {
      throw new PyroError("resource_exhausted", `The answer is longer than ${maxAnswerBytes} bytes.`, {
        hint: "Take another model with --model.",
      });
    }
    yield bytes;
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string, request: Request): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(request, `it is no JSON: ${text.slice(0, 80)}`);
  }
  const failed = failure.safeParse(value);
  // An answer that has begun can only say so in a line of its own.
  if (failed.success) throw new PyroError("unavailable", `Ollama failed: ${failed.data.error}`, { hint: logHint });
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(request, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

const logHint = "The server's log says more (`journalctl -u ollama`, or where you started it).";

async function refusal({ url, body }: Request, response: Response): Promise<PyroError> {
  const parts: string[] = [];
  for await (const line of linesOf(response)) parts.push(line);
  const text = parts.join(" ");
  const said = failure.safeParse(jsonOf(text)).data?.error ?? text.slice(0, 200);
  if (said.includes("does not support tools")) {
    return new PyroError("unsupported", `${said}.`, { hint: "Choose a model that can call tools with --model." });
  }
  if (response.status === 404 && body !== undefined) {
    return new PyroError("not_found", `Ollama says: ${said}`, {
      hint: "`ollama list` names the models that are there.",
    });
  }
  return new PyroError("unavailable", `${url.href} answered ${response.status}: ${said || response.statusText}`, {
    hint: `Check that --base-url is that of an Ollama server. ${logHint}`,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function malformed({ url }: Request, what: string): PyroError {
  return new PyroError("unavailable", `The answer of ${url.href} is not one of Ollama's API: ${what}`, {
    hint: "Check that --base-url is that of an Ollama server, and that it is up to date.",
  });
}

function unreachable(url: URL, error: unknown): PyroError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? ("code" in cause ? String(cause.code) : cause.message) : String(cause);
  return new PyroError("unavailable", `No Ollama server answers at ${url.origin}: ${why}`, {
    hint: "Start it (`ollama serve`), or name its address with --base-url.",
    cause: error,
  });
}
