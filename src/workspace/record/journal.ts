// Owns the journal of a workspace: what was done in it since its create or last reset, one JSON line each. Never edits a line.
import { appendFile, readFile } from "node:fs/promises";
import * as z from "zod";
import { hasErrno } from "../../base/error.js";

const execStarted = z.object({
  type: z.literal("exec_started"),
  at: z.string(),
  sequence: z.int(),
  command: z.union([z.string(), z.array(z.string())]),
  cwd: z.string(),
  timeout_seconds: z.number(),
});

const execEnded = z.object({
  type: z.literal("exec_ended"),
  at: z.string(),
  sequence: z.int(),
  /** Null when the machine went away before it could be learnt. */
  exit_code: z.int().nullable(),
  timed_out: z.boolean(),
  oom_killed: z.boolean(),
  canceled: z.boolean(),
  duration_ms: z.int(),
  dropped_bytes: z.int(),
});

const other = z.object({
  type: z.enum(["created", "file_write", "patch_apply", "sync_push", "export", "stopped", "started"]),
  at: z.string(),
  /** For the summary, such as a path. */
  detail: z.string(),
});

const journalLine = z.discriminatedUnion("type", [execStarted, execEnded, other]);

export type JournalLine = z.output<typeof journalLine>;
export type ExecStarted = z.output<typeof execStarted>;
export type ExecEnded = z.output<typeof execEnded>;

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
