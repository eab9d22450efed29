// Owns a host program that streams, with its whole process group. Never interprets the stream.
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { startChild } from "./child-process.js";
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

export function startProgram({ command, env, descriptors, onStderrLine }: ProgramStart): RunningProgram {
  const [program = ""] = command;
  const child = startChild({ command, env, cwd: "/", descriptors });
  const tail: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    onStderrLine(line);
  });
  const ended = child.closed.then(({ code, signal }) => {
    if (code !== 0) throw new PyroError("internal", failure(program, code ?? signal, tail));
  });
  ended.catch(() => undefined);
  let runs = true;
  const exited = () => void (runs = false);
  child.exited.then(exited, exited);
  // Its number may be another's once it has ended.
  const kill = () => runs && child.endGroup();
  return { stdin: child.stdin, stdout: child.stdout, tail, ended, kill };
}

function failure(program: string, how: unknown, tail: readonly string[]): string {
  const errors = tail.filter((line) => /^(E|Err|FATAL)[: ]|error/iu.test(line));
  const said = (errors.length > 0 ? errors : tail).slice(-4).join(" · ");
  return `${program} ended with ${String(how)}: ${maskPasswords(said) || "no message"}`;
}
