// Owns telling what was run in a workspace: the list, one output, the summary. Never runs anything.
import { PyroError } from "../../base/error.js";
import { shortened, shownBytes } from "../../base/text.js";
import { notExited, reasonsOf, viewOfOutcome, type Outcome } from "../../process/outcome.js";
import { readOutputFile } from "../../process/output-file.js";
import { pageOf } from "../../process/excerpt.js";
import { execEnds } from "../record/exec-end.js";
import { readJournal, type ExecStarted, type JournalLine } from "../record/journal.js";
import { isOutputRemoved } from "../output-room.js";
import { outputPaths } from "./output.js";
import type { Workspace } from "../workspace.js";

export interface CommandEntry {
  readonly started: ExecStarted;
  readonly outcome: Outcome;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** It has ended, and something that it left in the background still runs. */
  readonly background: boolean;
  /** To make room for later ones. */
  readonly outputRemoved: boolean;
}

export interface WorkspaceNote {
  /** RFC 3339. */
  readonly at: string;
  readonly text: string;
}

export interface OutputPart {
  readonly text: string;
  /** The bytes, where they are not UTF-8. */
  readonly base64: string | undefined;
  readonly nextOffset: number;
  readonly totalBytes: number;
}

export async function commandHistory(workspace: Workspace): Promise<readonly CommandEntry[]> {
  // Taken before the journal is read: what ends meanwhile was running, and what starts meanwhile is not lost.
  const running = new Set([...workspace.execs.keys(), ...workspace.starting]);
  const next = workspace.record.next_sequence;
  const lines = await readJournal(workspace.files.journal);
  const ends = execEnds(lines);
  const started = lines.filter((line) => line.type === "exec_started");
  return Promise.all(
    started.map(async (line) => {
      const paths = outputPaths(workspace, line.sequence);
      const isLost = line.sequence < next && !running.has(line.sequence);
      const outcome = ends.get(line.sequence)?.outcome ?? notExited(isLost ? "lost" : "running", 0);
      return {
        started: line,
        outcome,
        stdoutBytes: await readOutputFile(paths.stdout).sizeBytes(),
        stderrBytes: await readOutputFile(paths.stderr).sizeBytes(),
        background: workspace.background.has(line.sequence),
        outputRemoved: isOutputRemoved(workspace.files.output, line.sequence),
      };
    }),
  );
}

/** What happened to the workspace itself that a reader of its history should know. */
export async function workspaceNotes(workspace: Workspace): Promise<readonly WorkspaceNote[]> {
  const lines = await readJournal(workspace.files.journal);
  return lines.flatMap((line) =>
    line.type === "stopped" && line.detail !== "" ? [{ at: line.at, text: line.detail }] : [],
  );
}

export interface OutputRange {
  readonly sequence: number;
  readonly stream: "stdout" | "stderr";
  readonly offset: number;
  readonly maxBytes: number;
}

export async function commandOutput(workspace: Workspace, range: OutputRange): Promise<OutputPart> {
  if (isOutputRemoved(workspace.files.output, range.sequence)) {
    throw new PyroError(
      "not_found",
      `The output of command ${range.sequence} was removed to make room for later ones.`,
      {
        hint: "A workspace keeps 1 GiB of outputs, the latest; send what has to stay to a file inside.",
      },
    );
  }
  const kept = readOutputFile(outputPaths(workspace, range.sequence)[range.stream]);
  const isOpen = workspace.mayPrint(range.sequence);
  const bytes = await pageOf(kept, { offset: range.offset, maxBytes: range.maxBytes, isOpen });
  return {
    ...shownBytes(bytes),
    nextOffset: range.offset + bytes.length,
    totalBytes: await kept.sizeBytes(),
  };
}

export interface SummaryFacts {
  readonly entries: readonly { readonly path: string; readonly status: string }[];
}

/** Commands and files that a summary names one by one. */
const maxNamed = 20;

/** Markdown, short enough for a pull request. */
export async function summarize(workspace: Workspace, { entries }: SummaryFacts): Promise<string> {
  const { record } = workspace;
  const history = await commandHistory(workspace);
  const lines = await readJournal(workspace.files.journal);
  const last = history.at(-1);
  const seed = record.seed?.origin_ref ?? record.seed?.mode ?? "nothing";
  const head = record.seed?.commit ?? "";
  const commit = head === "" ? "" : ` at ${head.slice(0, 12)}`;
  return [
    `## Workspace ${record.name ?? record.id}`,
    "",
    `Environment ${record.environment.name}, started from ${seed}${commit}; network ${record.network_policy}.`,
    "",
    `**Commands** (${history.length})`,
    ...named(history, (each) => `- \`${oneLine(each.started.command)}\`: ${describeEnd(each.outcome)}`),
    "",
    `**Files changed** (${entries.length})`,
    ...named(entries, (each) => `- ${each.status} \`${each.path}\``),
    "",
    ...section("Exports", lines, "export"),
    ...section("Patches", lines, "patch_apply"),
    ...section("Pushed from the host", lines, "sync_push"),
    `**Outcome**: ${last === undefined ? "nothing was run" : `the last command ${describeEnd(last.outcome)}`}.`,
  ].join("\n");
}

function named<Item>(items: readonly Item[], line: (item: Item) => string): string[] {
  const left = items.length - maxNamed;
  return [...items.slice(-maxNamed).map(line), ...(left > 0 ? [`- … and ${left} more`] : [])];
}

function section(title: string, lines: readonly JournalLine[], type: JournalLine["type"]): string[] {
  const details = lines.flatMap((line) => (line.type === type && "detail" in line ? [line.detail] : []));
  return details.length === 0 ? [] : [`**${title}**`, ...named(details, (detail) => `- ${detail}`), ""];
}

function oneLine(command: string | readonly string[]): string {
  const text = (typeof command === "string" ? command : command.join(" "))
    .replaceAll(/\s+/gu, " ")
    .replaceAll("`", "'");
  return text.length > 120 ? shortened(text, 119) : text;
}

function describeEnd(outcome: Outcome): string {
  if (outcome.state !== "exited") return outcome.state === "running" ? "is still running" : "was lost with its machine";
  const ended = [`exited with ${outcome.exitCode ?? "?"}`, ...reasonsOf(viewOfOutcome(outcome))].join(", ");
  return `${ended} after ${(outcome.durationMs / 1000).toFixed(1)} s`;
}
