// Owns starting a program under `pyro-guest supervise`, which ends it at its deadline or when we go. Never knows what it runs.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Duplex, Readable } from "node:stream";
import * as z from "zod";
import { replaceFile } from "../base/atomic-file.js";
import { sinceBootMs } from "../base/boot-clock.js";
import { PyroError } from "../base/error.js";
import { EndedAtStart } from "./ended-at-start.js";
import type { MachineExit } from "./engine.js";

const started = z.object({ pid: z.number().int().positive() });
const ended = z.object({ exit_code: z.number(), signal: z.number(), reason: z.string() });

const stderrTailLength = 4096;
const shownLines = 4;

/** Holds the time at which the supervisor ends the program; it reads it again before it does. */
export const deadlineFileName = "deadline";

/**
 * In milliseconds since the host's boot, so that a clock that is set ends no machine early. Supervisors of earlier versions
 * have Unix milliseconds there, and get these again. A power cut ends the program as well, so nothing waits for the disk.
 */
export async function writeDeadline(folder: string, deadlineMs: number): Promise<void> {
  const path = join(folder, deadlineFileName);
  const before = await readFile(path, "utf8").catch(() => undefined);
  const isEarlier = before !== undefined && /^\d/u.test(before);
  const text = isEarlier
    ? String(Math.round(deadlineMs))
    : `boot ${Math.round(sinceBootMs() + deadlineMs - Date.now())}`;
  await replaceFile(path, `${text}\n`);
}

export interface SupervisedExit extends MachineExit {
  /** Of the program, 128+n for signal n; absent where nobody knows. */
  readonly exitCode?: number;
}

export interface Supervised {
  /** Process number of the program itself. */
  readonly pid: number;
  readonly exited: Promise<SupervisedExit>;
  /** Where it was asked for: the other end of the program's descriptor 3. */
  readonly channel?: Duplex;
  /** The end of what the program wrote to standard error. */
  stderrTail(): string;
  extend(deadlineMs: number): Promise<void>;
  detach(): void;
  kill(): Promise<void>;
}

export interface SupervisedProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** The static binary. */
  readonly agentPath: string;
  /** Folder for the deadline file. */
  readonly folder: string;
  /** What the supervisor removes when nobody else is left to. */
  readonly remove: readonly string[];
  readonly deadlineMs: number;
  /** Gives the program one end of a socket pair as descriptor 3. */
  readonly withChannel?: boolean;
}

/** Starts the program in a session of its own and waits until it runs. */
export async function supervise(spec: SupervisedProgram, signal: AbortSignal): Promise<Supervised> {
  const deadlineFile = join(spec.folder, deadlineFileName);
  const extend = (deadlineMs: number) => writeDeadline(spec.folder, deadlineMs);
  await extend(spec.deadlineMs);
  const child = spawn(
    spec.agentPath,
    [
      "supervise",
      "--deadline-file",
      deadlineFile,
      "--oom-score-adj",
      "500",
      ...spec.remove.flatMap((path) => ["--remove", path]),
      ...(spec.withChannel === true ? ["--pass-fd", "3"] : []),
      "--",
      spec.program,
      ...spec.args,
    ],
    {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "pipe", "pipe", ...(spec.withChannel === true ? (["pipe"] as const) : [])],
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    },
  );
  child.stdin?.on("error", () => undefined);
  const channel = spec.withChannel === true ? child.stdio[3] : undefined;
  channel?.on("error", () => undefined);
  const stderrTail = keepTail(child.stderr);
  const exit = watchExit(child, stderrTail);
  const pid = await firstLine(child, exit, signal);
  return {
    pid,
    exited: exit,
    stderrTail,
    ...(channel instanceof Socket ? { channel } : {}),
    extend,
    detach: () => {
      child.stdin?.write("detach\n");
    },
    kill: async () => {
      child.kill("SIGTERM");
      await exit;
    },
  };
}

async function firstLine(child: ChildProcess, exit: Promise<MachineExit>, signal: AbortSignal): Promise<number> {
  if (child.stdout === null) throw new PyroError("internal", "The supervisor has no output.");
  const lines = createInterface({ input: child.stdout });
  try {
    const line = await Promise.race([once(lines, "line", { signal }), exit]);
    const parsed = Array.isArray(line) ? started.safeParse(safeJson(String(line[0]))) : undefined;
    if (parsed?.success === true) return parsed.data.pid;
    throw new EndedAtStart((await exit).reason);
  } catch (error) {
    child.kill("SIGTERM");
    throw error;
  }
}

async function watchExit(child: ChildProcess, stderrTail: () => string): Promise<SupervisedExit> {
  let lastLine = "";
  child.stdout?.on("data", (data: Buffer) => {
    lastLine = data.toString("utf8").trim().split("\n").at(-1) ?? lastLine;
  });
  const code = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (status, signal) => resolve(`exit ${status ?? signal}`));
  });
  const end = ended.safeParse(safeJson(lastLine));
  const tail = lastLines(stderrTail());
  const how = end.success ? `${end.data.reason} (exit ${end.data.exit_code}, signal ${end.data.signal})` : code;
  const exitCode = end.success ? { exitCode: end.data.exit_code } : {};
  return { reason: tail === "" ? how : `${how}: ${tail}`, ...exitCode };
}

/** On one line: they stand in the middle of sentences. */
function lastLines(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-shownLines)
    .join("; ");
}

function keepTail(stream: Readable | null): () => string {
  let tail = "";
  stream?.setEncoding("utf8").on("data", (data: string) => {
    tail = (tail + data).slice(-stderrTailLength);
  });
  return () => tail;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
