// Owns how a workspace reads for a person, and for a model that reads no structured content. Never ends with a newline.
import { posix } from "node:path";
import { asSaid, call, say, type Said } from "../base/say.js";
import { visibleLine } from "../base/visible.js";
import type { FileEntryView, SkippedFile, WorkspaceView } from "./workspace-fields.js";

/** Skipped files that are named. */
const shownSkipped = 5;

/** One workspace: the line to remember it by, then what is worth knowing about its seed. */
export function workspaceText(view: WorkspaceView): Said {
  const named = view.name === null ? "" : ` (${view.name})`;
  const phase = view.phase === null ? "" : `: ${view.phase}`;
  const lines = [
    `${view.workspace_id}${named}  ${view.state}${phase}  ${view.environment}`,
    ...seedLines(view),
    ...(view.failure === null ? [] : [`failure: ${view.failure}`]),
    ...(view.deletes_at === null ? [] : [`will be deleted at ${view.deletes_at}`]),
  ].join("\n");
  if (view.state !== "creating") return asSaid(lines);
  return say`${lines}\n${call("workspace_status", { workspace_id: view.workspace_id })} says when it is running`;
}

/** Many, as a table; `now` in milliseconds. */
export function workspaceTable(views: readonly WorkspaceView[], now: number): string {
  const rows = views.map((view) => [
    view.workspace_id,
    view.name ?? "-",
    view.state,
    view.environment,
    view.workspace_seed?.origin_ref ?? view.workspace_seed?.mode ?? "-",
    labelText(view.labels) || "-",
    durationText(now - Date.parse(view.created_at)),
    `${durationText(now - Date.parse(view.last_active_at))} ago`,
    view.deletes_at === null ? "-" : `in ${durationText(Date.parse(view.deletes_at) - now)}`,
  ]);
  return table(["ID", "NAME", "STATE", "ENVIRONMENT", "SEED", "LABELS", "AGE", "LAST USE", "DELETED"], rows);
}

/** A time in its largest unit, as a person would say it; none is negative, whatever clocks say. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
  ] as const;
  const [unit, size] = units.find((each) => seconds >= each[1]) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** A folder, a line for each entry. */
export function listingText(entries: readonly FileEntryView[]): string {
  return entries
    .map((entry) => {
      const target = entry.link_target === null ? "" : ` -> ${visibleLine(entry.link_target)}`;
      return `${entry.mode} ${String(entry.size).padStart(10)} ${visibleLine(entry.path)}${entry.kind === "directory" ? "/" : ""}${target}`;
    })
    .join("\n");
}

/** Field by field, aligned. */
export function factLines(facts: Readonly<Record<string, string | number | null>>): string {
  const shown = Object.entries(facts).filter(([, value]) => value !== null && value !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${visibleLine(String(value))}`).join("\n");
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${visibleLine(value)}`)
    .join(",");
}

export function filesText(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1] ?? ""}`;
}

/** Commands that a note names. */
const shownBackground = 10;

/** Of commands that have ended and left processes running; empty where there are none. */
export function backgroundText(commands: readonly number[]): Said {
  const [first] = commands;
  if (first === undefined) return asSaid("");
  const more = commands.length - shownBackground;
  const named = `${commands.slice(0, shownBackground).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  const who = commands.length === 1 ? `command ${named} has` : `commands ${named} have`;
  return say`${who} ended and left processes running; ${call("workspace_wait", { sequence: first })} shows what they have printed`;
}

/** The last name of a path under /workspace. */
export function lastName(path: string): string {
  return posix.basename(posix.resolve("/workspace", path)) || "workspace";
}

/** What a seed, a push or an export left out. */
export function skippedText(skipped: readonly SkippedFile[]): string {
  if (skipped.length === 0) return "";
  const named = skipped.slice(0, shownSkipped).map(({ path, reason }) => `${visibleLine(path)} (${reason})`);
  const more = skipped.length - named.length;
  return `skipped: ${named.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}

function seedLines({ workspace_seed: seed }: WorkspaceView): readonly string[] {
  if (seed === null || seed.mode === "empty") return [];
  const from = seed.origin_ref === null ? "" : ` from ${visibleLine(seed.origin_ref)}`;
  const commit = seed.commit === null ? "" : ` at ${seed.commit.slice(0, 12)}`;
  const skipped = skippedText(seed.skipped);
  return [
    `seeded ${filesText(seed.file_count)}, ${bytesText(seed.byte_count)}${from}${commit}`,
    ...(skipped === "" ? [] : [skipped]),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows.map((row) => row.map(visibleLine))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
