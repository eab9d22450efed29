// Owns running a host program to its end under a signal and a deadline. Never leaves it behind, never uses a shell.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { PyroError, hasErrno } from "./error.js";
import { call, say } from "./say.js";

export interface ProgramOptions {
  readonly signal: AbortSignal;
  /** The whole environment of the program. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Standard input; nothing when absent. */
  readonly input?: Readable | string;
  /** Called for every line on standard error. */
  readonly onStderrLine?: (line: string) => void;
  /** Milliseconds until it is killed. */
  readonly timeoutMs: number;
}

export interface ProgramResult {
  /** At most 1 MiB. */
  readonly stdout: string;
  /** The last 8 KiB. */
  readonly stderrTail: string;
}

const maxStdoutBytes = 1024 * 1024;
const tailLength = 8192;

/** Runs `program`; a missing one is `unavailable`, a failing one `internal` with the end of what it printed. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  options.signal.throwIfAborted();
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const child = spawn(program, args, {
    env: options.env ?? process.env,
    cwd: options.cwd,
    stdio: ["pipe", "pipe", "pipe"],
    killSignal: "SIGKILL",
    signal: AbortSignal.any([options.signal, deadline]),
  });
  const stdout: Buffer[] = [];
  let stdoutBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    stdoutBytes += chunk.length;
    if (stdoutBytes <= maxStdoutBytes) stdout.push(chunk);
  });
  const stderr = collectLines(child.stderr, options.onStderrLine);
  child.stdin.on("error", () => undefined);
  if (options.input === undefined || typeof options.input === "string") child.stdin.end(options.input);
  else options.input.on("error", (error) => child.stdin.destroy(error)).pipe(child.stdin);
  const [code, killedBy] = await exitOf(child, { program, options, deadline });
  if (code !== 0) {
    const how = killedBy === null ? `exit code ${code}` : `signal ${killedBy}`;
    throw new PyroError("internal", `${program} failed (${how}): ${lastLines(stderr())}`, {
      details: { program, exit_code: code, stderr: stderr() },
    });
  }
  return { stdout: Buffer.concat(stdout).toString("utf8"), stderrTail: stderr() };
}

interface Running {
  readonly program: string;
  readonly options: ProgramOptions;
  readonly deadline: AbortSignal;
}

async function exitOf(
  child: ReturnType<typeof spawn>,
  { program, options, deadline }: Running,
): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return [code, signal];
  } catch (error) {
    options.signal.throwIfAborted();
    if (deadline.aborted) {
      throw new PyroError("deadline_exceeded", `${program} took longer than ${options.timeoutMs} ms.`);
    }
    if (hasErrno(error, "ENOENT")) {
      throw new PyroError("unavailable", `The program ${program} is not installed.`, {
        hint: say`${call("doctor")} names the package that has it.`,
        cause: error,
      });
    }
    throw error;
  }
}

function collectLines(stream: Readable, onLine: ((line: string) => void) | undefined): () => string {
  let tail = "";
  let partial = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    tail = (tail + text).slice(-tailLength);
    if (onLine === undefined) return;
    const lines = (partial + text).split(/[\r\n]+/u);
    partial = (lines.pop() ?? "").slice(-tailLength);
    for (const line of lines) onLine(line);
  });
  return () => tail;
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" · ") || "no message";
}
