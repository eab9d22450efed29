// Owns running the host's git so that a repository cannot make it execute anything, ask or remember. Never interprets its output.
import { PyroError } from "../../base/error.js";
import { findProgram, systemPath } from "../../base/host-program.js";
import { startProgram } from "../../environment/running-program.js";
import type { ByteString } from "./tar-entry.js";

export interface GitCall {
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** The repository, which switches git's own search and its ownership check off; the call is not about one when absent. */
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly env?: NodeJS.ProcessEnv;
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

/** What git prints, byte by byte. */
export async function git(call: GitCall & { readonly answers?: never }): Promise<ByteString>;
export async function git(call: GitCall): Promise<ByteString | undefined>;
export async function git(call: GitCall): Promise<ByteString | undefined> {
  call.signal.throwIfAborted();
  const place = [
    ...(call.gitDir === undefined ? [] : [`--git-dir=${call.gitDir}`]),
    ...(call.workTree === undefined ? [] : [`--work-tree=${call.workTree}`]),
  ];
  const inFolder = call.workTree === undefined ? [] : ["-C", call.workTree];
  const words = [await findProgram("git"), ...inFolder, ...place, ...harmless, ...call.args];
  const answers = (call.answers ?? []).map((code) => `test $code -eq ${code} && exit 0; `).join("");
  // A code that is an answer is told from success by the mark behind the output.
  const script = `"$@" && printf '\\1' && exit 0; code=$?; ${answers}exit $code`;
  const program = startProgram({
    command: ["/bin/sh", "-c", script, "sh", ...words],
    env: gitEnvironment(call.env),
    onStderrLine: call.onStderrLine ?? (() => undefined),
  });
  call.signal.addEventListener("abort", program.kill, { once: true });
  try {
    program.stdin.end();
    const chunks: Buffer[] = [];
    for await (const chunk of program.stdout) chunks.push(chunk as Buffer);
    await program.ended;
    const output = Buffer.concat(chunks).toString("latin1");
    return output.endsWith("\u0001") ? output.slice(0, -1) : undefined;
  } catch (error) {
    call.signal.throwIfAborted();
    throw explain(error, program.tail);
  } finally {
    call.signal.removeEventListener("abort", program.kill);
    program.kill();
  }
}

/** The user's own environment without what git itself or a caller of ours set for another repository. */
function gitEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^GIT_|^SSH_ASKPASS/u.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: `${process.env["PATH"] ?? ""}:${systemPath}`,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    GIT_OPTIONAL_LOCKS: "0",
    ...extra,
  };
}

function explain(error: unknown, tail: readonly string[]): unknown {
  const said = tail.filter((line) => /^(fatal|error):/u.test(line)).map((line) => line.replace(/^\w+: /u, ""));
  if (said.length === 0) return error;
  return new PyroError("failed_precondition", `git: ${said.slice(0, 3).join("; ")}`, { cause: error });
}
