// Owns the lines that client and daemon exchange over the socket. Never moves them.
import * as z from "zod";
import { errorCodes, type ErrorBody, type PyroError } from "../base/error.js";
import type { Said } from "../base/say.js";

/** Version of these lines; a client and a daemon of different ones do not talk. */
export const daemonProtocolVersion = 4;

/** Absolute path of the socket of the caller's SSH agent. */
export const sshAgentPath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/u);

/** The caller's PATH and PYRO_GIT, of which git on the host may be run. */
export const hostGitWish = z.strictObject({
  path: z.string().max(128 * 1024),
  program: z.string().max(4096).optional(),
});

/** First line of a request. */
export const callLine = z.strictObject({
  input: z.unknown(),
  /** Send output as it comes instead of in the result. */
  streaming: z.boolean().default(false),
  /** Work that others can use too, such as an installation, goes on when this client leaves. */
  linger: z.boolean().default(false),
  /** For what this call fetches over SSH, and nothing else; not kept. */
  ssh_agent: sshAgentPath.optional(),
  /** Not kept either. */
  host_git: hostGitWish.optional(),
  /** Real paths of the folders that host paths of the input may lead to; any where absent. */
  allowed_roots: z
    .array(
      z
        .string()
        .max(4096)
        .regex(/^\/[^\0]*$/u),
    )
    .max(1000)
    .optional(),
  /** More lines with standard input follow. */
  stdin: z.boolean().default(false),
});

/** Every later line of a request. */
export const clientLine = z.union([
  z.strictObject({ stdin: z.string() }),
  z.strictObject({ stdin_end: z.literal(true) }),
  z.strictObject({ signal: z.enum(["INT", "TERM", "HUP", "QUIT"]) }),
]);

const callValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]);
const plainPart = z.union([
  z.string(),
  z.strictObject({ call: z.string(), input: z.record(z.string(), callValue) }),
  z.strictObject({ field: z.string(), of: z.string(), value: callValue.optional() }),
]);

const errorBody = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  /** With wire names; all that a client of other code may know of it. */
  hint: z.string(),
  /** The same with its calls as data, where it names any; left out of what a daemon says that knows other parts than we do. */
  hint_parts: z
    .array(z.union([plainPart, z.strictObject({ either: z.array(z.array(plainPart).readonly()).readonly() })]))
    .readonly()
    .optional()
    .catch(undefined),
  details: z.record(z.string(), z.unknown()).optional(),
  call_id: z.string().optional(),
});

const progressEvent = z.object({
  phase: z.string(),
  message: z.string(),
  done: z.number().optional(),
  total: z.number().optional(),
  unit: z.enum(["bytes", "steps"]).optional(),
  // Later than the others: a daemon of other code may say none, or some that we do not know.
  things: z.enum(["files", "packages"]).optional().catch(undefined),
  bytes: z.number().optional(),
});

/** How a call fails, and how a daemon that cannot start says so on its standard output. */
export const errorLine = z.object({ error: errorBody });

/** An error as a line has it. */
export function errorBodyOf(error: PyroError): ErrorBody & { readonly hint_parts?: Said["parts"] } {
  const { parts, plain } = error.said;
  const body = { ...error.toBody(), hint: plain };
  return parts.every((part) => typeof part === "string") ? body : { ...body, hint_parts: parts };
}

/** Every line of an answer; the last is `result` or `error`. */
export const serverLine = z.union([
  z.object({ progress: progressEvent }),
  z.object({ output: z.object({ stream: z.enum(["stdout", "stderr"]), data: z.string() }) }),
  z.object({ result: z.unknown() }),
  errorLine,
]);

export type CallLine = z.input<typeof callLine>;
export type ClientLine = z.output<typeof clientLine>;
export type ServerLine = z.output<typeof serverLine>;

/** Longest line of a request, in bytes: a 10 MiB file in JSON, with room. */
export const maxRequestLineBytes = 64 * 1024 * 1024;

/** What a client says of itself in its `user-agent`: the surface that calls, for the log. */
export const surfacePattern = /^pyro-([a-z]{1,16})$/u;

/** Where a client of other code asks the daemon to end, without ending its machines. */
export const handOverPath = "/v1/hand-over";

/** Header of one who asks only because there is no record of the daemon; one that has its record by now stays. */
export const recordLostHeader = "pyro-record-lost";

/** The answer; false while calls are in progress. */
export const handOver = z.object({ handed_over: z.boolean() });
export type HandOver = z.output<typeof handOver>;
