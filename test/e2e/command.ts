// Owns running the built `pyro` command as a process of its own. Never looks into it.

import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface CommandOptions {
  /** The whole environment of the command. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What it reads; /dev/null when absent. A stream or bytes come through a pipe, `open` is a pipe that says nothing. */
  readonly stdin?: Readable | Uint8Array | "open";
  /** Descriptors 0, 1 and 2, where a test needs others. */
  readonly stdio?: StdioOptions;
  /** Milliseconds until it is killed, for a test that hangs. */
  readonly timeoutMs?: number;
}

export interface Finished {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Everything on standard output so far. */
  stdout(): string;
  /** Resolves once standard output contains `text`; rejects when the command ends without it. */
  printed(text: string): Promise<void>;
  readonly finished: Promise<Finished>;
}

/** The folder of this run of the suite, which setup.ts made. */
export function runFolder(): string {
  const folder = process.env["PYRO_TEST_RUN"];
  if (folder === undefined) throw new Error("test/e2e/setup.ts has not run.");
  return folder;
}

/** A shell script in which "$@" is the command, for what only a shell can set up. */
export function startShell(script: string, options: CommandOptions): Started {
  return startProgram(["bash", "-c", script, "bash", ...pyroCommand()], options);
}

/** The argv that starts `pyro`, independent of PATH. */
function pyroCommand(): readonly [string, string] {
  return [process.execPath, join(runFolder(), "dist", "pyro.js")];
}

/** Less than a test has, so that its home is still cleaned up. */
const defaultTimeoutMs = 900_000;

export function startPyro(args: readonly string[], options: CommandOptions): Started {
  return startProgram([...pyroCommand(), ...args], options);
}

export function startProgram([program = "", ...rest]: readonly string[], options: CommandOptions): Started {
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: options.env,
    stdio: options.stdio ?? [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const seen = new Output();
  child.stdout?.on("data", (chunk: Buffer) => seen.add(chunk));
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  feed(child, options.stdin);
  const timeout = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? defaultTimeoutMs);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout: seen.bytes(), stderr }));
  }).finally(() => {
    clearTimeout(timeout);
    seen.end();
  });
  return { child, stdout: () => seen.bytes().toString("utf8"), printed: (text) => seen.contains(text), finished };
}

function feed(child: ChildProcess, stdin: CommandOptions["stdin"]): void {
  if (child.stdin === null || stdin === "open") return;
  // The command may end without having read it all.
  child.stdin.on("error", () => undefined);
  if (stdin instanceof Readable) pipeline(stdin, child.stdin).catch(() => undefined);
  else child.stdin.end(stdin);
}

class Output {
  #chunks: Buffer[] = [];
  #ended = false;
  readonly #watchers = new Set<() => void>();

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    for (const watcher of this.#watchers) watcher();
  }

  end(): void {
    this.#ended = true;
    for (const watcher of this.#watchers) watcher();
  }

  bytes(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  contains(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.bytes().includes(text);
        if (!found && !this.#ended) return;
        this.#watchers.delete(look);
        if (found) resolve();
        else reject(new Error(`The command ended without printing ${JSON.stringify(text)}.`));
      };
      this.#watchers.add(look);
      look();
    });
  }
}
