// Owns one call of a client: its lines in, its events and result out. Never knows which operations exist.
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { PassThrough, type Writable } from "node:stream";
import type * as z from "zod";
import { inCall } from "../base/call-scope.js";
import { PyroError, asPyroError, failureOf } from "../base/error.js";
import { newId } from "../base/id.js";
import { jsonLine } from "../base/json-line.js";
import type { Progress } from "../base/progress.js";
import { report, reportFault } from "../base/report.js";
import { stageDone } from "../base/stage.js";
import type { Call } from "../operations/operation.js";
import { readLines } from "./lines.js";
import { callLine, clientLine, errorBodyOf, maxRequestLineBytes, surfacePattern, type ServerLine } from "./protocol.js";

/** Milliseconds between two events of one phase. */
const progressIntervalMs = 100;

export type Handler = (input: unknown, call: Omit<Call, "needs">) => Promise<unknown>;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** For the log: nothing that a client has made up. */
  readonly operation: string;
}

/** Serves one request to its end, and logs it; never rejects. Aborts the handler when the client goes or `shutdown` says so. */
export async function serveCall(exchange: Exchange, handler: Handler, shutdown: AbortSignal): Promise<void> {
  const id = newId("call");
  return inCall(id, () => serve(id, { exchange, handler }, shutdown));
}

interface Served {
  readonly exchange: Exchange;
  readonly handler: Handler;
}

async function serve(id: string, { exchange, handler }: Served, shutdown: AbortSignal): Promise<void> {
  const { request, response } = exchange;
  const logEnd = logCall(exchange);
  const gone = new AbortController();
  response.once("close", () => gone.abort(new PyroError("canceled", "The client went away.")));
  response.on("error", () => undefined);
  const signal = AbortSignal.any([gone.signal, shutdown]);
  const stdin = new PassThrough();
  stdin.on("error", () => undefined);
  signal.addEventListener("abort", () => stdin.destroy(asPyroError(signal.reason)), { once: true });
  const send = (line: ServerLine) => writeLine(response, line);
  try {
    const lines = readLines(request, maxRequestLineBytes);
    const first = await nextLine(lines, callLine);
    const listeners: ((name: string) => void)[] = [];
    const ended = { whole: false };
    void readOn(lines, { stdin, ended, listeners }).catch(() => stdin.end());
    // Says that the call begins: until then a client whose connection breaks may make it again.
    response.flushHeaders();
    const result = await handler(first.input, {
      signal,
      linger: first.linger,
      sshAgent: first.ssh_agent,
      hostGit: first.host_git,
      allowedRoots: first.allowed_roots,
      stdin: first.stdin ? stdin : undefined,
      hasWholeStdin: () => ended.whole,
      streaming: first.streaming,
      progress: throttled(id, (event) => void send({ progress: event })),
      output: (stream, data) => send({ output: { stream, data: Buffer.from(data).toString("base64") } }),
      onSignal: (listener) => listeners.push(listener),
    });
    logEnd();
    await send({ result });
  } catch (error) {
    const failure = signal.aborted ? asPyroError(signal.reason) : failureOf(error, id);
    logEnd(failure);
    await send({ error: errorBodyOf(failure) });
  } finally {
    stdin.destroy();
    response.end();
  }
}

/** Logs the begin; the returned function logs the end. */
function logCall({ request, operation }: Exchange): (failure?: PyroError) => void {
  const surface = surfacePattern.exec(request.headers["user-agent"] ?? "")?.[1];
  const began = performance.now();
  report("call begun", { operation, ...(surface === undefined ? {} : { surface }) });
  return (failure) => {
    const ms = Math.round(performance.now() - began);
    if (failure === undefined) return report("call ended", { operation, ms });
    const { code, message } = failure;
    if (code === "internal") return reportFault("call failed", failure.cause ?? failure, { operation, ms, code });
    // What is wrong with an input quotes it.
    return report("call failed", { operation, ms, code, ...(code === "invalid_argument" ? {} : { message }) });
  };
}

/** Lets a new phase through at once, and within one phase ten events a second. */
function throttled(call: string, progress: Progress): Progress {
  let phase = "";
  let next = 0;
  return (event) => {
    const now = performance.now();
    if (event.phase === phase && now < next) return;
    // The phase alone: messages have names of what is worked on.
    if (event.phase !== phase) stageDone(call, event.phase, "call");
    phase = event.phase;
    next = now + progressIntervalMs;
    progress(event);
  };
}

async function nextLine<Schema extends z.ZodType>(
  lines: AsyncGenerator<string>,
  schema: Schema,
): Promise<z.output<Schema>> {
  const next = await lines.next();
  if (next.done === true) throw new PyroError("invalid_argument", "The request is empty.");
  return parseLine(next.value, schema);
}

function parseLine<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new PyroError("invalid_argument", "The request has a line that is not of the protocol.", { cause: error });
  }
}

interface Reading {
  readonly stdin: PassThrough;
  readonly ended: { whole: boolean };
  readonly listeners: readonly ((name: string) => void)[];
}

async function readOn(lines: AsyncGenerator<string>, { stdin, ended, listeners }: Reading): Promise<void> {
  for await (const text of lines) {
    const line = parseLine(text, clientLine);
    if ("signal" in line) for (const listener of listeners) listener(line.signal);
    else if ("stdin_end" in line) {
      ended.whole = true;
      stdin.end();
    } else if (!stdin.destroyed && !stdin.write(Buffer.from(line.stdin, "base64"))) {
      await drained(stdin);
    }
  }
  stdin.end();
}

/** Resolves once there is room for more; a client that is gone takes everything. */
async function writeLine(response: ServerResponse, line: ServerLine): Promise<void> {
  if (response.destroyed || response.writableEnded) return;
  if (response.write(jsonLine(line))) return;
  await drained(response);
}

/** Resolves once the stream takes more or is gone; leaves no listener behind. */
async function drained(stream: Writable): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([
      once(stream, "drain", { signal: over.signal }),
      once(stream, "close", { signal: over.signal }),
    ]);
  } finally {
    over.abort();
  }
}
