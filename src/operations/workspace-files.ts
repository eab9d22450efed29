// Owns the operations on a workspace's files. Never runs commands.
import * as z from "zod";
import { sayAll } from "../base/say.js";
import { visibleLine } from "../base/visible.js";
import { maxPatchBytes } from "../tree/patch-limit.js";
import { heldContent } from "./fields.js";
import { besideLoop, mainLoop } from "./offer.js";
import { operation } from "./operation.js";
import { outputText, wholeInput } from "./long-text.js";
import {
  allowHostPathFlag,
  allowHostPaths,
  fileEntries,
  guestPath,
  hostPath,
  skippedFiles,
  workspaceId,
} from "./workspace-fields.js";
import { changeStatus, ignoredNote, omittedKind, omittedNote, omittedView, withNext } from "./workspace-omitted.js";
import { bytesText, filesText, lastName, listingText, skippedText } from "./workspace-text.js";
import { viewOfFileEntry } from "./workspace-view.js";

/** Bytes of a file that one write may have. */
const maxFileBytes = 10 * 1024 * 1024;
/** Characters of a patch that a model gets at once. */
const modelPatchCharacters = 24_000;

const listInput = z.strictObject({
  workspace_id: workspaceId,
  path: guestPath.default("/workspace"),
  recursive: z.boolean().default(false).describe("All that is below it, not only what is in it."),
  max_entries: z.int().min(1).max(100_000).default(100_000),
});
const listMcpInput = listInput.extend({ max_entries: z.int().min(1).max(1000).default(500) }).strict();

export const workspaceFileListOperation = operation({
  name: "workspace_file_list",
  title: "List files",
  summary: "List a folder of a workspace.",
  effect: "read",
  needs: "beside",
  sdk: "listWorkspaceFiles",
  cli: {
    path: ["workspace", "file", "list"],
    positionals: ["workspace_id", "path"],
    omit: ["max_entries"],
  },
  mcp: {
    ...besideLoop("list files and folders in a workspace"),
    input: listMcpInput,
    description: "Lists a folder under /workspace: path, kind, size, mode.",
  },
  input: listInput,
  output: z.object({
    path: z.string(),
    entries: fileEntries,
    truncated: z.boolean(),
    restarted: z.boolean(),
  }),
  handler: async ({ workspaces }, { workspace_id: id, path, recursive, max_entries: maxEntries }, call) => {
    const { entries, ...listed } = await workspaces.listFiles({ id, path, recursive, maxEntries }, call);
    return { ...listed, entries: entries.map(viewOfFileEntry) };
  },
  text: (result) => listingText(result.entries),
});

const writeInput = z.strictObject({
  workspace_id: workspaceId,
  path: guestPath,
  text: z
    .string()
    .max(maxFileBytes)
    .meta({ ...heldContent, description: "The whole new content." }),
});

export const workspaceFileWriteOperation = operation({
  name: "workspace_file_write",
  title: "Write a file",
  summary: "Write a text file of a workspace, atomically, making its folders.",
  effect: "change",
  needs: "alone",
  sdk: "writeWorkspaceFile",
  cli: {
    path: ["workspace", "file", "write"],
    positionals: ["workspace_id", "path"],
    fromFile: { text: "text-file" },
  },
  mcp: {
    ...mainLoop,
    input: writeInput,
    description:
      "Writes a whole text file under /workspace, atomically, making its folders. A link is followed to its file; other hard " +
      "links keep the old content. For edits use workspace_patch_apply.",
  },
  input: writeInput,
  output: z.object({
    path: z.string().describe("Of the file that was written: where a link was named, what it leads to."),
    bytes: z.int(),
    restarted: z.boolean(),
  }),
  handler: ({ workspaces }, { workspace_id: id, path, text }, call) => workspaces.writeFile({ id, path, text }, call),
  text: (result) => `Wrote ${result.bytes} bytes to ${result.path}.`,
});

const patchText = z.string().min(1);
const patchMeta = { ...heldContent, description: "Unified diff, plain or git style." };
const patchMcpInput = z.strictObject({
  workspace_id: workspaceId,
  patch: patchText.max(maxFileBytes).meta(patchMeta),
});
const patchInput = z.strictObject({
  workspace_id: workspaceId,
  patch: patchText.max(maxPatchBytes).optional().meta(patchMeta),
  patch_file: hostPath
    .optional()
    .describe("File of the caller's that has the patch, instead of patch; at most 256 MiB."),
});

export const workspacePatchApplyOperation = operation({
  name: "workspace_patch_apply",
  title: "Apply a patch",
  summary: "Apply a unified diff to a workspace, all of it or nothing.",
  effect: "change",
  needs: "alone",
  sdk: "applyWorkspacePatch",
  cli: {
    path: ["workspace", "patch", "apply"],
    positionals: ["workspace_id"],
    omit: ["patch_file"],
    fromFile: { patch: "patch-file" },
    fromStdin: "patch",
  },
  mcp: {
    ...mainLoop,
    input: patchMcpInput,
    description:
      "Applies a unified diff (git style too: new, deleted, renamed, mode) to /workspace, all or nothing, with exact context. " +
      "Prefer it to editing through the shell. If it does not fit, the error names file, hunk and line.",
  },
  carries: { text: "patch", file: "patch_file" },
  input: patchInput,
  output: z.object({
    changed: z.boolean(),
    already_applied: z
      .boolean()
      .describe("True when the files are as the patch would leave them; nothing was changed."),
    files: z.array(z.object({ path: z.string(), change: z.string() })),
    restarted: z.boolean(),
  }),
  handler: async ({ workspaces }, { workspace_id: id, patch: text }, call) => {
    const patch = text ?? wholeInput(call);
    const { alreadyApplied, ...applied } = await workspaces.applyPatch({ id, patch }, call);
    return { ...applied, already_applied: alreadyApplied };
  },
  text: (result) =>
    result.files.map((file) => `${file.change.padEnd(9)} ${visibleLine(file.path)}`).join("\n") ||
    (result.already_applied ? "The patch is applied already; nothing was changed." : "Nothing to change."),
});

const diffInput = z.strictObject({
  workspace_id: workspaceId,
  paths: z
    .array(z.string().max(4096))
    .max(1000)
    .default([])
    .meta({ title: "PATH", description: "Only the patch of these; all when empty." }),
  include_ignored: z
    .boolean()
    .default(false)
    .describe("Also new files that git would ignore, such as installed packages."),
  max_patch_characters: z.int().min(0).max(maxPatchBytes).default(maxPatchBytes).describe("In bytes of UTF-8."),
});
const diffMcpInput = diffInput.omit({ max_patch_characters: true }).strict();

export const workspaceDiffOperation = operation({
  name: "workspace_diff",
  title: "Diff a workspace",
  summary: "Show what changed in /workspace since it was created, as a patch for `git apply --whitespace=nowarn`.",
  effect: "read",
  needs: "beside",
  sdk: "diffWorkspace",
  cli: {
    path: ["workspace", "diff"],
    positionals: ["workspace_id"],
    omit: ["max_patch_characters"],
    flagNames: { paths: "path" },
    toFile: { output: "patch" },
    paint: "patch",
    notes: [
      "On the host, at the top of the checkout: `pyro workspace diff ID | git apply --whitespace=nowarn`. `apply` in --json is the",
      "line for the place that the workspace was made from, with --directory where that was a folder of a checkout.",
      "What was there when the workspace was created is no change: ignored files of yours that belong to it, such as",
      "node_modules, go in by `workspace create --include PATH`.",
    ],
  },
  mcp: {
    ...mainLoop,
    input: diffMcpInput,
    fills: { max_patch_characters: modelPatchCharacters },
    description:
      "Shows what changed in /workspace since create as entries and a unified patch; the line in `apply` takes it on the host. .git is left out, and so " +
      "are new files that .gitignore names, which are only counted; `omitted` says what else no patch holds. Look at it before " +
      "exporting. A patch that is too long is left out: ask for some paths.",
    emptyText: ({ clean }) => (clean === true ? "Nothing has changed." : "The patch is empty."),
  },
  streams: "patch",
  input: diffInput,
  output: z.object({
    clean: z.boolean(),
    entries: z.array(
      z.object({
        path: z.string(),
        old_path: z.string().optional(),
        status: changeStatus,
        binary: z
          .boolean()
          .optional()
          .describe("Absent where no content was read: of a rename, and of what the patch does not hold."),
        size: z.int(),
        omitted: omittedKind.optional().describe("Why the patch lacks it; `omitted` of the result says more."),
      }),
    ),
    counts: z.record(z.string(), z.int()),
    ignored: z
      .object({ file_count: z.int(), paths: z.array(z.string()) })
      .describe(
        "New files left out because git would ignore them, and the first of the folders that hold them; a slash ends those.",
      ),
    omitted: omittedView
      .default([])
      .describe("What the patch lacks besides ignored files: why, and the next call. An empty list: nothing."),
    omitted_truncated: z.boolean().default(false),
    differs: skippedFiles
      .default([])
      .describe("Files of which git on the host makes other bytes than the workspace has, and why."),
    apply: z
      .string()
      .default("git apply --whitespace=nowarn")
      .describe("Takes the patch on its standard input, on the host."),
    patch: z.string(),
    patch_truncated: z.boolean(),
    entries_truncated: z.boolean(),
    restarted: z.boolean(),
  }),
  handler: ({ workspaces }, { workspace_id: id, paths, ...input }, call) => {
    const bounds = { includeIgnored: input.include_ignored, maxPatchCharacters: input.max_patch_characters };
    const written = call.streaming ? { writePatch: (text: string) => outputText(call, text) } : {};
    return workspaces.diff({ id, paths, ...bounds, ...written }, call);
  },
  worded: (result, { workspace_id: id }, spell) => ({ ...result, omitted: withNext(result.omitted, id, spell) }),
  text: (result) =>
    result.patch_truncated
      ? [
          "The patch is left out: it is too long. Ask for some paths.",
          ...result.entries.map((each) => `${each.status.padEnd(12)} ${visibleLine(each.path)}`),
        ].join("\n")
      : result.patch,
  note: ({ ignored, omitted, ...patch }) =>
    sayAll([ignoredNote(ignored), omittedNote(omitted), differsNote(patch.differs), applyNote(patch)]),
});

/** Files that a note names. */
const namedDiffering = 10;

function differsNote(differs: readonly { path: string; reason: string }[]): string {
  const named = differs.slice(0, namedDiffering).map(({ path, reason }) => `${visibleLine(path)} (${reason})`);
  const more = differs.length - named.length;
  if (named.length === 0) return "";
  return `Other bytes than here come out of git apply for ${named.join(", ")}${more === 0 ? "" : ` and ${more} more`}.`;
}

/** Where `git apply` alone would do nothing, or refuse. */
function applyNote({ apply, patch }: { readonly apply: string; readonly patch: string }): string {
  const needsMore = apply.includes("--directory=") || apply.includes(" -c ");
  return patch !== "" && needsMore ? `On the host this takes the patch: ${apply}` : "";
}

const exportInput = z.strictObject({
  workspace_id: workspaceId,
  path: guestPath,
  output_path: hostPath.meta({ title: "HOST_PATH", description: "Host path to write; it must not exist." }),
  force: z.boolean().default(false).describe("Replace what is there."),
});
const exportMcpInput = exportInput.omit({ force: true }).strict();

export const workspaceExportOperation = operation({
  name: "workspace_export",
  title: "Export a file or folder",
  summary: "Copy one file or folder of a workspace to the host, without any .git in it.",
  effect: "create",
  needs: "beside",
  sdk: "exportWorkspace",
  cli: {
    path: ["workspace", "export"],
    positionals: ["workspace_id", "path"],
    flagNames: { output_path: "output" },
    fallbacks: { output_path: { shown: "./NAME", of: ({ path }) => `./${lastName(String(path))}` } },
  },
  mcp: {
    ...mainLoop,
    input: exportMcpInput,
    description:
      "Copies one file or folder from /workspace to output_path on the host, which must not exist and must lie in the project " +
      "or a folder the user allowed. The only way anything leaves the machine. A link is not followed: name what it leads to. " +
      "A .git is left out: for commits, export a `git bundle`.",
  },
  hostPaths: { output_path: "write" },
  input: exportInput,
  output: z.object({
    output_path: z.string(),
    kind: z.string().describe("file, directory or symlink: a link is exported as one."),
    link_target: z.string().nullable().default(null).describe("Where an exported link leads."),
    file_count: z.int(),
    byte_count: z.int(),
    skipped: skippedFiles,
    restarted: z.boolean(),
  }),
  handler: async ({ workspaces }, { workspace_id: id, path, output_path: outputPath, force }, call) => {
    const exported = await workspaces.export({ id, path, outputPath, force }, call);
    const { kind, linkTarget = null, skipped, restarted } = exported;
    const counts = { file_count: exported.fileCount, byte_count: exported.byteCount };
    return { output_path: exported.outputPath, kind, link_target: linkTarget, ...counts, skipped, restarted };
  },
  text: (result) => {
    const skipped = skippedText(result.skipped);
    const target = visibleLine(result.link_target ?? "");
    const done =
      result.kind === "symlink"
        ? `Exported a symbolic link to ${result.output_path}. It leads to ${target}, which was not exported with it.`
        : `Exported ${filesText(result.file_count)}, ${bytesText(result.byte_count)} to ${result.output_path}.`;
    return skipped === "" ? done : `${done}\n${skipped}`;
  },
});

const syncInput = z.strictObject({
  workspace_id: workspaceId,
  source_path: hostPath.meta({ title: "SOURCE_PATH", description: "Host file, folder or archive to put in." }),
  dest: guestPath
    .optional()
    .describe(
      "Folder under /workspace to merge what it holds into, or for a file its new name; else it goes in under its own name.",
    ),
  allow_host_paths: allowHostPaths,
});
const syncMcpInput = syncInput.omit({ allow_host_paths: true }).strict();

export const workspaceSyncPushOperation = operation({
  name: "workspace_sync_push",
  title: "Push host files into a workspace",
  summary: "Put a host file, folder or archive into a workspace; adds and overwrites, never deletes.",
  effect: "change",
  needs: "alone",
  sdk: "pushWorkspaceSync",
  cli: {
    path: ["workspace", "sync", "push"],
    positionals: ["workspace_id", "source_path"],
    flagNames: allowHostPathFlag,
    notes: [
      "What is pushed is a change: it shows in the diff, and a reset undoes it. What belongs to the workspace from its start,",
      "such as node_modules or a data set that Git ignores, goes in by `workspace create --include PATH`, which is also faster.",
      "A file goes where `cp` would put it. What is called .tar, .tar.gz, .tgz or .tar.zst is unpacked, unless --dest names a",
      "file that is called so, too.",
    ],
  },
  mcp: {
    ...besideLoop("bring later changes of host files into a workspace"),
    input: syncMcpInput,
    description:
      "Puts later host files into /workspace: adds and overwrites, never deletes. All of it or nothing. Without dest a file or " +
      "folder goes to /workspace under its own name, the project itself over /workspace; archives are unpacked.",
  },
  hostPaths: { source_path: "read", allow_host_paths: "read" },
  input: syncInput,
  output: z.object({
    file_count: z.int(),
    byte_count: z.int(),
    dest: z.string().describe("Where it went."),
    skipped: skippedFiles,
    restarted: z.boolean(),
  }),
  handler: async ({ workspaces }, { workspace_id: id, source_path: sourcePath, dest, ...input }, call) => {
    const request = { id, sourcePath, dest, allowHostPaths: input.allow_host_paths };
    const { fileCount, byteCount, ...pushed } = await workspaces.pushSync(request, call);
    return { ...pushed, file_count: fileCount, byte_count: byteCount };
  },
  text: (result) => {
    const skipped = skippedText(result.skipped);
    const done = `Pushed ${filesText(result.file_count)}, ${bytesText(result.byte_count)} to ${result.dest}.`;
    return skipped === "" ? done : `${done}\n${skipped}`;
  },
});
