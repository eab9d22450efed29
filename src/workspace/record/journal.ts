// Owns the journal of a workspace: what was done in it since its create or last reset, one JSON line each. Never edits a line.
import { appendFile, readFile } from "node:fs/promises";
import * as z from "zod";
import { hasErrno } from "../../base/error.js";
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

/** Appends one line; a crash of the host may lose the last ones, never more. `torn`: the last append failed half-way. */
export async function appendJournal(path: string, line: JournalLine, torn = false): Promise<void> {
  await appendFile(path, `${torn ? "\n" : ""}${JSON.stringify(line)}\n`, { mode: 0o600 });
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
