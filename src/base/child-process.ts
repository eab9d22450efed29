// Owns starting host programs, each as the leader of a process group, and ending such a group. Never uses a shell, never reads what they print.
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { PyroError } from "./error.js";

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the program has ended, rejects where it cannot be started. */
  readonly exited: Promise<Ending>;
  /** The same, but once nothing that it started holds its pipes either. */
  readonly closed: Promise<Ending>;
  /** Kills what is left of the group, which outlives its leader. */
  readonly endGroup: () => void;
}

export interface ChildStart {
  readonly command: readonly string[];
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  /** Open files of this process that the program gets too, as 3 and what follows. */
  readonly descriptors?: readonly number[] | undefined;
}

/** In a group and a session of its own: a Ctrl-C meant for us does not reach it, and what it starts is ended with it. */
export function startChild({ command, env, cwd, descriptors = [] }: ChildStart): Child {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env, cwd, detached: true, stdio: ["pipe", "pipe", "pipe", ...descriptors] });
  const [exited, closed] = [endingOf(child, "exit"), endingOf(child, "close")];
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw noPipes(program);
  // A program that ends without reading its input says so by its exit code.
  stdin.on("error", () => undefined);
  return { stdin, stdout, stderr, exited, closed, endGroup: () => endGroup(child.pid) };
}

export interface Offspring {
  readonly stdout: Readable;
  readonly closed: Promise<Ending>;
  /** Listens to it no more, so that it keeps this process from ending no more. */
  readonly letGo: () => void;
}

export type OffspringStart = Omit<ChildStart, "descriptors"> & { readonly stderr: number };

/** Starts a program that outlives us, reads nothing, and prints its errors to an open file of this process. */
export function startOffspring({ command, env, cwd, stderr }: OffspringStart): Offspring {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env, cwd, detached: true, stdio: ["ignore", "pipe", stderr] });
  const closed = endingOf(child, "close");
  const { stdout } = child;
  if (!stdout) throw noPipes(program);
  const letGo = () => {
    stdout.destroy();
    child.unref();
  };
  return { stdout, closed, letGo };
}

/** Node makes none where the limit of open files is reached. */
function noPipes(program: string): PyroError {
  return new PyroError("unavailable", `${program} cannot be started: too many files are open.`, {
    hint: "Raise the limit of open files (`ulimit -n`) and call again.",
  });
}

function endingOf(child: ChildProcess, event: "exit" | "close"): Promise<Ending> {
  const ending = new Promise<Ending>((resolve, reject) => {
    child.once(event, (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal }));
    child.once("error", reject);
  });
  // Not everybody waits for both.
  ending.catch(() => undefined);
  return ending;
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has gone.
  }
}
