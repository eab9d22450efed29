// Owns running a host program to its end under a signal and a deadline. Never leaves it behind, never uses a shell.
import type { Readable } from "node:stream";
import { startChild, type Child, type Ending } from "./child-process.js";
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
  const child = startChild({ command: [program, ...args], env: options.env ?? process.env, cwd: options.cwd });
  const stdout: Buffer[] = [];
  let stdoutBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    stdoutBytes += chunk.length;
    if (stdoutBytes <= maxStdoutBytes) stdout.push(chunk);
  });
  const stderr = collectLines(child.stderr, options.onStderrLine);
  if (options.input === undefined || typeof options.input === "string") child.stdin.end(options.input);
  else options.input.on("error", (error) => child.stdin.destroy(error)).pipe(child.stdin);
  const { code, signal } = await endingOf(child, { program, options, deadline });
  if (code !== 0) {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
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

async function endingOf(child: Child, { program, options, deadline }: Running): Promise<Ending> {
  const over = AbortSignal.any([options.signal, deadline]);
  try {
    return await closedOrGivenUp(child, over);
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

/** Of what was given up nothing is waited for. */
function closedOrGivenUp(child: Child, over: AbortSignal): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      child.endGroup();
      reject(over.reason);
    };
    over.addEventListener("abort", giveUp, { once: true });
    // Its number may be another's from then on.
    const closed = child.closed.finally(() => over.removeEventListener("abort", giveUp));
    closed.then(resolve, reject);
  });
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
