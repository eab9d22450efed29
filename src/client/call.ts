// Owns calling the daemon: one request, its events, one result. Never knows what an operation means.
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { json } from "node:stream/consumers";
import type { Readable } from "node:stream";
import type * as z from "zod";
import { PyroError } from "../base/error.js";
import type { GitWish } from "../base/git-wish.js";
import type { AllowedRoots } from "../base/host-roots.js";
import type { ProgressEvent } from "../base/progress.js";
import { readLines } from "../daemon/lines.js";
import {
  type errorLine,
  handOver,
  handOverPath,
  hostGitWish,
  recordLostHeader,
  serverLine,
  sshAgentPath,
  type CallLine,
  type ClientLine,
} from "../daemon/protocol.js";

/** Who calls. */
export type Surface = "cli" | "mcp" | "sdk" | "demo";

export interface CallOptions {
  /** For the daemon's log. */
  readonly surface?: Surface;
  /** Canceling it cancels the call in the daemon. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Given: output comes here as it happens, and not in the result. The next chunk waits for the promise. */
  readonly onOutput?: (stream: "stdout" | "stderr", data: Buffer) => Promise<void>;
  readonly stdin?: Readable;
  /** Work that others can use too, such as an installation, goes on when this call is canceled. */
  readonly linger?: boolean;
  /** Socket of the caller's SSH agent, for what the call fetches; what is no absolute path is not passed on. */
  readonly sshAgent?: string | undefined;
  /** Which git of the host the caller has; what is too long is not passed on. */
  readonly hostGit?: GitWish | undefined;
  /** Of operations in the caller's process whose result comes in parts: gets each of them, in wire names. */
  readonly onPart?: (part: unknown) => Promise<void>;
  /** Real paths of the folders that host paths of the input may lead to; any where absent. */
  readonly allowedRoots?: AllowedRoots;
  /** Gets a function that sends a signal, such as `INT`, to the guest's program. */
  readonly onSignalSender?: (send: (name: "INT" | "TERM" | "HUP" | "QUIT") => void) => void;
}

/** Longest line of an answer, in bytes: a patch of 256 Mi characters in JSON, with room. */
const maxAnswerLineBytes = 1024 * 1024 * 1024;

/** Milliseconds that a daemon has to say whether it makes way. */
const handOverTimeoutMs = 5000;

export interface DaemonCall {
  readonly name: string;
  readonly input: unknown;
  /** A connection to the daemon, where there is one. */
  readonly over?: Socket | undefined;
  /** The daemon says when the call begins, as one of this code does. Nothing but the call itself is sent before. */
  readonly saysBegin?: boolean;
}

/** The daemon went away, and nothing of the call has been done. */
export class CallNotBegun extends PyroError {}

/** Calls an operation at the daemon behind `socketPath`; throws a PyroError for every failure. */
export async function callDaemon(socketPath: string, call: DaemonCall, options: CallOptions = {}): Promise<unknown> {
  // One for each call: nothing is to be pooled.
  const socket = call.over ?? createConnection(socketPath);
  const outgoing = request({
    createConnection: () => socket,
    method: "POST",
    path: `/v1/operations/${encodeURIComponent(call.name)}`,
    headers: {
      // Else the daemon closes as soon as it has answered: input that is still on its way then breaks the connection before the answer is read.
      "content-type": "application/x-ndjson",
      host: "pyro",
      connection: "keep-alive",
      ...(options.surface === undefined ? {} : { "user-agent": `pyro-${options.surface}` }),
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve).on("error", reject);
  });
  const first: CallLine = {
    input: call.input,
    streaming: options.onOutput !== undefined,
    linger: options.linger === true,
    ssh_agent: sshAgentPath.safeParse(options.sshAgent).data,
    host_git: hostGitWish.safeParse(options.hostGit).data,
    ...(options.allowedRoots === undefined ? {} : { allowed_roots: [...options.allowedRoots] }),
    stdin: options.stdin !== undefined,
  };
  outgoing.write(`${JSON.stringify(first)}\n`);
  const mayFollow = call.saysBegin === true ? answer : Promise.resolve();
  const follow = (act: () => unknown) => void mayFollow.then(act, () => undefined);
  options.onSignalSender?.((name) => follow(() => send(outgoing, { signal: name })));
  const { stdin } = options;
  if (stdin !== undefined) follow(() => pumpStdin(stdin, outgoing));
  else if (options.onSignalSender === undefined) outgoing.end();
  let hasBegun = call.saysBegin !== true;
  try {
    const response = await answer;
    hasBegun = true;
    return await readAnswer(response, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof PyroError ? error : lostConnection(error, hasBegun ? PyroError : CallNotBegun);
  } finally {
    outgoing.destroy();
    // An answer that was read to its end has let go of it.
    socket.destroy();
  }
}

/**
 * Asks the daemon behind `socketPath` to make way for one of other code; true when it does. `recordLost`: only because it has no
 * record, which may be there by now.
 */
export async function requestHandOver(socketPath: string, recordLost = false): Promise<boolean> {
  const signal = AbortSignal.timeout(handOverTimeoutMs);
  const headers = { host: "pyro", ...(recordLost ? { [recordLostHeader]: "1" } : {}) };
  try {
    const outgoing = request({ socketPath, method: "POST", path: handOverPath, headers, signal });
    const answer = once(outgoing, "response");
    outgoing.end();
    const [response] = (await answer) as [IncomingMessage];
    return handOver.parse(await json(response)).handed_over;
  } catch {
    return false;
  }
}

function send(outgoing: ClientRequest, line: ClientLine): boolean {
  return outgoing.writableEnded || outgoing.destroyed ? true : outgoing.write(`${JSON.stringify(line)}\n`);
}

/** Passes standard input on in its own time; its end or failure only ends the guest's input. */
function pumpStdin(stdin: Readable, outgoing: ClientRequest): void {
  stdin.on("data", (chunk: Buffer) => {
    if (send(outgoing, { stdin: Buffer.from(chunk).toString("base64") })) return;
    stdin.pause();
    outgoing.once("drain", () => stdin.resume());
  });
  const end = () => send(outgoing, { stdin_end: true });
  stdin.once("end", end).once("error", end);
  outgoing.once("close", () => stdin.pause());
}

async function readAnswer(response: IncomingMessage, options: CallOptions): Promise<unknown> {
  // Leaving the loop early destroys the response, which says so as an error that nobody waits for any more.
  response.on("error", () => undefined);
  for await (const text of readLines(response, maxAnswerLineBytes)) {
    const line = serverLine.parse(JSON.parse(text));
    if ("result" in line) return line.result;
    if ("error" in line) throw errorOf(line);
    if ("progress" in line) options.onProgress?.(definedOnly(line.progress));
    else await options.onOutput?.(line.output.stream, Buffer.from(line.output.data, "base64"));
  }
  throw lostConnection(undefined);
}

/** The error that a line from the daemon tells of. */
export function errorOf({ error }: z.output<typeof errorLine>): PyroError {
  const { code, message, hint: plain, hint_parts: parts = [plain], details, call_id: callId } = error;
  return new PyroError(code, message, { hint: { parts, plain }, details, callId });
}

function definedOnly(event: { [Key in keyof ProgressEvent]: ProgressEvent[Key] | undefined }): ProgressEvent {
  const { phase = "", message = "", done, total, unit, things, bytes } = event;
  return {
    phase,
    message,
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
    ...(unit === undefined ? {} : { unit }),
    ...(things === undefined ? {} : { things }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}

function lostConnection(cause: unknown, kind: typeof PyroError = PyroError): PyroError {
  return new kind("unavailable", "The pyro daemon went away before it answered.", {
    hint: "Call again; a new daemon starts by itself. One-shot machines of the lost one are removed.",
    cause,
  });
}
