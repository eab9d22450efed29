// Owns the socket and which handler a request reaches. Never starts or ends the process.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type * as z from "zod";
import { PyroError } from "../base/error.js";
import { checkTexts } from "../operations/input.js";
import type { Call } from "../operations/operation.js";
import type { DaemonParts } from "../operations/parts.js";
import { operations, type AnyOperation } from "../operations/table.js";
import { handOverPath, recordLostHeader, type HandOver } from "./protocol.js";
import { serveCall, type Handler } from "./call.js";

export interface DaemonServer {
  /** Calls in progress. */
  running(): number;
  /** Cancels every call but the one that stops the daemon, and waits for them, though not for ever. */
  endCalls(): Promise<void>;
  /** Waits until what that one is told is out, and closes the socket. */
  close(): Promise<void>;
}

export interface DaemonServerOptions {
  readonly socketPath: string;
  readonly parts: DaemonParts;
  /** Told whenever a call begins or ends. */
  readonly onActivity: () => void;
  /** Whether others can find it by its record. Never rejects. */
  readonly isRecorded: () => Promise<boolean>;
  /** Told when a client of other code wants to start a daemon of its own, and no call is in progress. */
  readonly onHandOver: () => void;
}

const routePrefix = "/v1/operations/";
/** Its answer is the last thing the daemon does. */
const stopRoute = `${routePrefix}daemon_stop`;
/** Milliseconds for calls to end that were told to, and for the last answers to go out. */
const endTimeoutMs = 10_000;
const answerTimeoutMs = 2000;

export async function listen(options: DaemonServerOptions): Promise<DaemonServer> {
  const shutdown = new AbortController();
  const calls = new Set<Promise<void>>();
  const stops = new Set<Promise<void>>();
  let isEnding = false;
  const server = createServer((request, response) => {
    if (request.url === handOverPath) return void answerHandOver(request, response);
    const isStop = request.url === stopRoute;
    // Nothing begins any more: a client that hears nothing makes its call to the next daemon.
    if (isEnding && !isStop) return void request.socket.destroy();
    const { operation, handler } = route(request, options.parts);
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const until = isStop ? new AbortController().signal : shutdown.signal;
    const call = serveCall({ request, response, operation }, handler, until);
    calls.add(call);
    if (isStop) stops.add(call);
    options.onActivity();
    void call.finally(() => {
      calls.delete(call);
      stops.delete(call);
      options.onActivity();
    });
  });
  const answerHandOver = async (request: IncomingMessage, response: ServerResponse) => {
    const isMistaken = request.headers[recordLostHeader] !== undefined && (await options.isRecorded());
    const handedOver = isEnding || (!isMistaken && calls.size === 0);
    response.end(JSON.stringify({ handed_over: handedOver } satisfies HandOver));
    if (handedOver && !isEnding) options.onHandOver();
    isEnding ||= handedOver;
  };
  // A call may take as long as it likes to send its standard input.
  server.requestTimeout = 0;
  await rm(options.socketPath, { force: true });
  server.listen(options.socketPath);
  await once(server, "listening");
  return {
    running: () => calls.size,
    endCalls: async () => {
      isEnding = true;
      shutdown.abort(new PyroError("canceled", "The pyro daemon is stopping."));
      await within(
        endTimeoutMs,
        [...calls].filter((call) => !stops.has(call)),
      );
    },
    close: async () => {
      await within(answerTimeoutMs, [...calls]);
      server.close();
      server.closeAllConnections();
      await rm(options.socketPath, { force: true });
    },
  };
}

async function within(limitMs: number, work: readonly Promise<unknown>[]): Promise<void> {
  const over = new AbortController();
  const limit = delay(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([Promise.all(work), limit]);
  over.abort();
}

interface Route {
  readonly operation: string;
  readonly handler: Handler;
}

function route(request: IncomingMessage, parts: DaemonParts): Route {
  const name = (request.url ?? "").startsWith(routePrefix) ? (request.url ?? "").slice(routePrefix.length) : "";
  const found = operations.find((each) => each.name === name && "handler" in each);
  if (request.method !== "POST" || found === undefined) {
    const error = new PyroError("not_found", `There is no operation ${JSON.stringify(name)}.`);
    return { operation: "(none)", handler: () => Promise.reject(error) };
  }
  return { operation: found.name, handler: (input, call) => perform(found, { input, call }, parts) };
}

interface Request {
  readonly input: unknown;
  readonly call: Omit<Call, "needs">;
}

/** Checks the input, runs the handler, checks the result. */
async function perform(found: AnyOperation, request: Request, parts: DaemonParts): Promise<unknown> {
  // Each literal's schema and handler fit each other; the union of them does not know that any more.
  const typed = found as unknown as {
    readonly input: z.ZodObject;
    readonly output: z.ZodType;
    readonly needs?: Call["needs"];
    readonly handler: (parts: DaemonParts, input: unknown, call: Call) => Promise<unknown>;
  };
  checkTexts(typed.input, request.input);
  const input = typed.input.safeParse(request.input);
  if (!input.success) throw invalidInput(input.error);
  return typed.output.parse(await typed.handler(parts, input.data, { ...request.call, needs: typed.needs }));
}

function invalidInput(error: z.ZodError): PyroError {
  const issue = error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? "the input" : issue.path.join(".");
  const what =
    issue?.code === "unrecognized_keys" ? `unknown field ${issue.keys.join(", ")}` : (issue?.message ?? "invalid");
  return new PyroError("invalid_argument", `${field}: ${what}`, { details: { field } });
}
