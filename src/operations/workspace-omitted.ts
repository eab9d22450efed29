// Owns how what a diff leaves out of its patch reads: as data with the next call, and as one line. Never decides what is left out.
import * as z from "zod";
import { call, either, field, say, type Said } from "../base/say.js";
import { visibleLine } from "../base/visible.js";
import { omittedKinds } from "../tree/diff/omissions.js";
import { filesText } from "./workspace-text.js";

export const omittedKind = z.enum(omittedKinds);

export const changeStatus = z.enum(["added", "modified", "deleted", "renamed", "type_changed"]);

export const omittedView = z.array(
  z.object({
    path: z.string().describe("A slash ends folders."),
    status: changeStatus.optional().describe("Of the change; absent where it is a folder that lacks something."),
    kind: omittedKind,
    reason: z.string(),
    next: z.string().default("").describe("What to do about it, with the call to make."),
  }),
);

export type OmittedView = z.output<typeof omittedView>[number];

/** Each with the next call in the caller's words. */
export function withNext(
  omitted: readonly OmittedView[],
  workspaceId: string,
  spell: (said: Said) => string,
): OmittedView[] {
  return omitted.map((each) => ({ ...each, next: spell(nextFor(each, workspaceId)) }));
}

function nextFor({ path, status, kind }: OmittedView, id: string): Said {
  if (kind === "patch_full") return askByPath(path, id);
  if (kind === "gone_meanwhile")
    return say`Diff it again${either(say` by ${call("workspace_diff", { workspace_id: id })}`)}.`;
  if (status === "deleted" && kind !== "git_refuses") return say`Delete it by hand where the patch is applied.`;
  switch (kind) {
    case "empty_folder":
    case "too_large":
    case "patch_too_long":
      return say`${exporting(path, id)} copies it to the host.`;
    case "special_file":
      return say`No export holds it either: make it anew where the patch is applied.`;
    case "git_refuses":
      return say`Where it belongs to the change, give it another name by ${call("workspace_exec", { workspace_id: id })}.`;
    case "repository":
      return say`${call("workspace_file_list", { workspace_id: id, path: guestPathOf(path) })} shows what is there; copy by hand what you trust.`;
    case "git_folder":
      return say`For its commits: \`git bundle create /workspace/work.bundle --all\` in there by ${call("workspace_exec", { workspace_id: id })}, then export that file.`;
  }
}

function askByPath(path: string, id: string): Said {
  return say`Diff it by itself${either(say` by ${call("workspace_diff", { workspace_id: id, paths: [nameable(path)] })}`)}.`;
}

function exporting(path: string, id: string) {
  return call("workspace_export", { workspace_id: id, path: guestPathOf(path), output_path: "HOST_PATH" });
}

function guestPathOf(path: string): string {
  const named = nameable(path).replace(/\/$/u, "");
  return named === "." || named === "" ? "/workspace" : `/workspace/${named}`;
}

/** The path, or the nearest folder above it whose name is text that a call can have. */
function nameable(path: string): string {
  const names = path.split("/");
  const odd = names.findIndex((name) => name.includes("\ufffd"));
  return odd === -1 ? path : names.slice(0, odd).join("/") || ".";
}

/** Paths that the line names of each kind, and characters of a path. */
const namedOfKind = 5;
const shownCharacters = 120;

/** On one line: what, why, and what to do, kind by kind. */
export function omittedNote(omitted: readonly OmittedView[]): string {
  const kinds = new Map<string, OmittedView[]>();
  for (const each of omitted) {
    // What to do differs with what is why, and where there is nothing to copy.
    const key = `${each.kind} ${each.reason} ${String(each.status === "deleted")}`;
    kinds.set(key, [...(kinds.get(key) ?? []), each]);
  }
  return [...kinds.values()].map(groupNote).join(" ");
}

function groupNote(group: readonly OmittedView[]): string {
  const named = group.slice(0, namedOfKind).map(({ path }) => shown(path));
  const more = group.length > named.length ? ` and ${group.length - named.length} more` : "";
  return `Not in the patch: ${named.join(", ")}${more} (${group[0]?.reason}). ${visibleLine(group[0]?.next ?? "")}`.trimEnd();
}

function shown(path: string): string {
  const line = visibleLine(path);
  return line.length > shownCharacters ? `${line.slice(0, shownCharacters)}…` : line;
}

/** New files that are only counted. */
export function ignoredNote({
  file_count: count,
  paths,
}: {
  readonly file_count: number;
  readonly paths: readonly string[];
}): string | Said {
  if (count === 0) return "";
  const named = paths.map(visibleLine).join(", ");
  const shows = field("workspace_diff", "include_ignored");
  return say`Left out, as git ignores them: ${filesText(count)} (${named}). ${shows} shows them.`;
}
