// Owns a host program that streams, with its whole process group. Never interprets the stream.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { PyroError } from "./error.js";
import { maskPasswords } from "./mask-passwords.js";

export interface RunningProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** The last lines on standard error. */
  readonly tail: readonly string[];
  /** Resolves at exit code 0, rejects otherwise; by then its pipes are closed, so nothing of it that holds them lives. */
  readonly ended: Promise<void>;
  /** Ends the group at once. */
  readonly kill: () => void;
}

export interface ProgramStart {
  readonly command: readonly string[];
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Open files of this process that the program gets too, as 3 and what follows. */
  readonly descriptors?: readonly number[];
  readonly onStderrLine: (line: string) => void;
}

const tailLines = 40;

export function startProgram(start: ProgramStart): RunningProgram {
  const [program = "", ...args] = start.command;
  const child = spawn(program, args, {
    env: start.env,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "pipe", ...(start.descriptors ?? [])],
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new PyroError("internal", `${program} has no pipes.`);
  const tail: string[] = [];
  createInterface({ input: stderr }).on("line", (line) => {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    start.onStderrLine(line);
  });
  // A program that ends early says so by its exit code.
  stdin.on("error", () => undefined);
  const ended = once(child, "close").then(([code, killedBy]: unknown[]) => {
    if (code !== 0) throw new PyroError("internal", failure(program, code ?? killedBy, tail));
  });
  ended.catch(() => undefined);
  const kill = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It ended by itself in this moment.
    }
  };
  return { stdin, stdout, tail, ended, kill };
}

function failure(program: string, how: unknown, tail: readonly string[]): string {
  const errors = tail.filter((line) => /^(E|Err|FATAL)[: ]|error/iu.test(line));
  const said = (errors.length > 0 ? errors : tail).slice(-4).join(" · ");
  return `${program} ended with ${String(how)}: ${maskPasswords(said) || "no message"}`;
}
