// Owns running the host's git so that content cannot make it execute, fetch, ask or remember anything. Never interprets its output.
import { PyroError } from "../../base/error.js";
import { systemPath } from "../../base/host-program.js";
import { startProgram } from "../../base/streaming-program.js";
import { chosenGit } from "./git-scope.js";
import type { ByteString } from "../tar/entry.js";

export interface GitCall {
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** The repository, which switches git's own search and its ownership check off; the call is not about one when absent. */
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The only transport that git may use, for a fetch of ours; none when absent, so that git cannot fetch what it misses. */
  readonly transport?: string;
  /** Reads the user's own configuration, with its filters and helpers; without it no configuration but the repository's. */
  readonly userSettings?: boolean;
  /** Not counting the files that it maps; without a bound when absent. */
  readonly maxMemoryBytes?: number;
  readonly input?: Buffer;
  readonly onStderrLine?: (line: string) => void;
  /** Exit codes besides 0 that are answers; then the output is undefined. */
  readonly answers?: readonly number[];
}

/** Command-line settings win over those of a repository, which may name programs in them. */
const harmless = [
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "core.pager=cat",
  "core.sshCommand=ssh -o BatchMode=yes",
  "safe.directory=*",
  "submodule.recurse=false",
  "protocol.ext.allow=never",
  "gc.auto=0",
  "maintenance.auto=false",
].flatMap((setting) => ["-c", setting]);

/** Milliseconds for a call that reaches nobody: git waits for ever where a named pipe has the name of one of its files. */
const localTimeoutMs = 5 * 60_000;

/** Bytes of output; the list of a checkout of a million files has about a tenth of it. */
const maxOutputBytes = 256 * 1024 * 1024;

/** What git prints, byte by byte. */
export async function git(call: GitCall & { readonly answers?: never }): Promise<ByteString>;
export async function git(call: GitCall): Promise<ByteString | undefined>;
export async function git(call: GitCall): Promise<ByteString | undefined> {
  call.signal.throwIfAborted();
  const { program: command, path } = await chosenGit();
  call.signal.throwIfAborted();
  const program = startProgram({
    command: commandOf(call, command),
    env: environmentOf(call, path),
    onStderrLine: call.onStderrLine ?? (() => undefined),
  });
  // A call with a transport has the deadline of whoever asked for the fetch.
  const deadline = call.transport === undefined ? AbortSignal.timeout(localTimeoutMs) : undefined;
  const ending = deadline === undefined ? call.signal : AbortSignal.any([call.signal, deadline]);
  ending.addEventListener("abort", program.kill, { once: true });
  try {
    program.stdin.end(call.input);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxOutputBytes) throw tooMuch(call);
    }
    await program.ended;
    const output = Buffer.concat(chunks).toString("latin1");
    return output.endsWith("\u0001") ? output.slice(0, -1) : undefined;
  } catch (error) {
    call.signal.throwIfAborted();
    if (deadline?.aborted === true) throw tooLong(call, error);
    throw explain(error, program.tail);
  } finally {
    ending.removeEventListener("abort", program.kill);
    program.kill();
  }
}

function commandOf(call: GitCall, program: string): readonly string[] {
  const place = [
    ...(call.gitDir === undefined ? [] : [`--git-dir=${call.gitDir}`]),
    ...(call.workTree === undefined ? [] : [`--work-tree=${call.workTree}`]),
  ];
  const inFolder = call.workTree === undefined ? [] : ["-C", call.workTree];
  const words = [program, ...inFolder, ...place, ...harmless, ...call.args];
  const answers = (call.answers ?? []).map((code) => `test $code -eq ${code} && exit 0; `).join("");
  // A code that is an answer is told from success by the mark behind the output.
  const memory = call.maxMemoryBytes === undefined ? "" : `ulimit -d ${Math.floor(call.maxMemoryBytes / 1024)}; `;
  const script = `${memory}"$@" && printf '\\1' && exit 0; code=$?; ${answers}exit $code`;
  return ["/bin/sh", "-c", script, "sh", ...words];
}

/** The user's environment without what git itself or a caller of ours set for another repository. */
function environmentOf({ transport, userSettings = false, env }: GitCall, path: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^GIT_|^SSH_ASKPASS/u.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    GIT_OPTIONAL_LOCKS: "0",
    // git since 2.45 heeds the first; where it is older, the second leaves a lazy fetch no way.
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: transport ?? "none",
    ...(userSettings ? {} : withoutSettings),
    ...env,
  };
}

/** Of nobody: filters, attributes and ignore rules of the host's are not for content to choose. */
const withoutSettings = {
  PATH: systemPath,
  HOME: "/nonexistent",
  XDG_CONFIG_HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_COMMITTER_NAME: "pyro",
  GIT_COMMITTER_EMAIL: "pyro@localhost",
} as const;

function explain(error: unknown, tail: readonly string[]): unknown {
  const said = messagesIn(tail).slice(0, 3).join("; ");
  if (said === "") return error;
  return new PyroError("failed_precondition", `git: ${said}`, { cause: error });
}

/** Lines that go on with a message; it may quote the names of files. */
const maxLines = 6;
const maxMessageLength = 1000;

/** What git names an error, each with the lines that go on with it. */
function messagesIn(tail: readonly string[]): readonly string[] {
  const messages: string[][] = [];
  let open: string[] | undefined;
  for (const line of tail) {
    if (/^(fatal|error): /u.test(line)) messages.push((open = [line.replace(/^\w+: /u, "")]));
    else if (/^(warning|hint|remote|usage): /u.test(line)) open = undefined;
    else if (line.trim() !== "" && open !== undefined && open.length < maxLines) open.push(line.trim());
  }
  return messages.map((lines) => lines.join(" ").slice(0, maxMessageLength));
}

function tooMuch({ args, workTree }: GitCall): PyroError {
  const where = workTree === undefined ? "" : ` in ${workTree}`;
  return new PyroError("resource_exhausted", `git ${args[0] ?? ""}${where} printed more than ${maxOutputBytes} bytes.`);
}

function tooLong({ args, workTree }: GitCall, cause: unknown): PyroError {
  const where = workTree === undefined ? "" : ` in ${workTree}`;
  return new PyroError("deadline_exceeded", `git ${args[0] ?? ""}${where} took longer than ${localTimeoutMs} ms.`, {
    hint: "A named pipe called .gitignore, or so in .git, makes it wait: `find . -type p` lists them. Remove it and call again.",
    cause,
  });
}
