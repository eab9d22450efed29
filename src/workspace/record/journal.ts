// Owns the journal of a workspace: what was done in it since its create or last reset, one JSON line each. Never edits a line.
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import * as z from "zod";
import { crashPoint } from "../../base/crash-point.js";
import { hasErrno } from "../../base/error.js";
import { shortened } from "../../base/text.js";
import { outcomeView } from "../../process/outcome.js";
import { outputView } from "../../process/output.js";

const execStarted = z.object({
  type: z.literal("exec_started"),
  at: z.string(),
  sequence: z.int(),
  command: z.union([z.string(), z.array(z.string())]),
  cwd: z.string(),
  timeout_seconds: z.number(),
});

/** Stands before the end of a command that a signal ended: a line of its own, which earlier versions pass over. */
const execSignaled = z.object({
  type: z.literal("exec_signaled"),
  at: z.string(),
  sequence: z.int(),
  signal: z.string(),
});

const execEnded = z.object({
  type: z.literal("exec_ended"),
  at: z.string(),
  sequence: z.int(),
  // An exit code of null: the machine went away before it could be learnt.
  ...outcomeView.omit({ state: true, signal: true }).shape,
  ...outputView.pick({ dropped_bytes: true }).shape,
});

const other = z.object({
  type: z.enum(["created", "file_write", "patch_apply", "sync_push", "export", "stopped", "started"]),
  at: z.string(),
  /** For the summary, such as a path. */
  detail: z.string(),
});

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

const journalLine = z.discriminatedUnion("type", [execStarted, execSignaled, execEnded, other]);

export type JournalLine = z.output<typeof journalLine>;
/** Before it has its time. */
export type NewJournalLine = DistributiveOmit<JournalLine, "at">;
export type ExecStarted = z.output<typeof execStarted>;

/** Room of a journal that is given up where others have filled the disk; a dozen lines. */
const reserveBytes = 4096;

/** Characters of what a line says of what was done; a patch may name thousands of files. */
const maxDetailLength = 4096;

/** What is said of something that is over or back already, and so cannot be refused for lack of room. */
const unrefusable = new Set<JournalLine["type"]>(["exec_signaled", "exec_ended", "started", "stopped"]);

/** Appends one line; a crash of the host may lose the last ones, never more. `torn`: the last append failed half-way. */
export async function appendJournal(path: string, line: JournalLine, torn = false): Promise<void> {
  const text = `${JSON.stringify("detail" in line ? { ...line, detail: shortened(line.detail, maxDetailLength) } : line)}\n`;
  await (unrefusable.has(line.type) ? appendFromReserve : append)(path, torn ? `\n${text}` : text);
  crashPoint("journal line written", line.type);
}

/** Keeps room for the ends of commands: to be called before one begins. */
export async function reserveJournal(path: string): Promise<void> {
  await writeFile(reserveOf(path), Buffer.alloc(reserveBytes), { flag: "wx", mode: 0o600 }).catch((error: unknown) => {
    if (!hasErrno(error, "EEXIST")) throw error;
  });
}

/** Ends a line that was torn when the daemon died, which would swallow the next one. */
export async function mendJournal(path: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text !== "" && !text.endsWith("\n")) await appendFromReserve(path, "\n");
}

async function appendFromReserve(path: string, text: string): Promise<void> {
  try {
    await append(path, text);
  } catch (error) {
    if (!hasErrno(error, "ENOSPC") && !hasErrno(error, "EDQUOT")) throw error;
    await rm(reserveOf(path), { force: true });
    // The first try may have left a part of a line.
    await append(path, `\n${text}`);
  }
}

async function append(path: string, text: string): Promise<void> {
  await appendFile(path, text, { mode: 0o600 });
}

function reserveOf(path: string): string {
  return `${path}.reserve`;
}

/** All lines that can be read; a torn last line is left out. */
export async function readJournal(path: string): Promise<JournalLine[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    const parsed = journalLine.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
