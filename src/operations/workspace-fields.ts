// Owns input and output fields that workspace operations share. Never holds a field that only one uses.
import * as z from "zod";
import { programView } from "../process/output.js";

export const workspaceId = z
  .string()
  .min(1)
  .max(64)
  .meta({ title: "ID", description: "Workspace id, a unique prefix of one, or its name." });

export const guestPath = z.string().min(1).max(4096).meta({ title: "PATH", description: "Path under /workspace." });

export const hostPath = z.string().min(1).max(4096);

/** One flag for one folder, wherever folders are allowed. */
export const allowHostPathFlag = { allow_host_paths: "allow-host-path" } as const;

/** Of an operation that reads a folder of the host: what may be read besides it where the folder's content leads there. */
export const allowHostPaths = z.array(hostPath).default([]).meta({
  title: "DIR",
  description:
    "Folder outside the named one that its Git checkout may use: a repository that it borrows objects from, or is a worktree of.",
});

/** Of what makes a workspace from a folder; a choice of the user's, which no tool has. */
export const include = z.array(hostPath).max(64).default([]).meta({
  title: "PATH",
  description:
    "File or folder below the source that goes in though Git ignores it, such as node_modules: part of what a reset goes back to.",
});

export const skippedFiles = z.array(z.object({ path: z.string(), reason: z.string() }));

/** Of a folder. */
export const fileEntries = z.array(
  z.object({
    path: z.string(),
    kind: z.enum(["file", "directory", "symlink", "other"]),
    size: z.int(),
    mode: z.string().describe("Octal, such as 0644."),
    modified_at: z.string(),
    link_target: z.string().nullable(),
  }),
);
export type FileEntryView = z.output<typeof fileEntries>[number];

export const workspaceView = z.object({
  workspace_id: z.string(),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  state: z.enum(["creating", "running", "stopped", "resetting", "failed"]),
  environment: z.string(),
  vcpu_count: z.int(),
  mem_mib: z.int(),
  ttl_seconds: z.int().describe("Idle seconds until it is stopped; 0 = never."),
  network_policy: z.string(),
  created_at: z.string().describe("RFC 3339, as all times."),
  last_active_at: z.string(),
  last_reset_at: z.string().nullable(),
  stopped_at: z.string().nullable(),
  deletes_at: z.string().nullable().describe("When a stopped workspace will be deleted."),
  failure: z.string().nullable(),
  phase: z.string().nullable().describe("What creation is doing."),
  workspace_seed: z
    .object({
      mode: z.enum(["git", "directory", "archive", "empty"]),
      origin_kind: z.enum(["seed_path", "project_path", "repo_url", "none"]),
      origin_ref: z.string().nullable().describe("Path or URL, without credentials."),
      commit: z.string().nullable(),
      file_count: z.int(),
      byte_count: z.int(),
      skipped: skippedFiles.describe("Files of the source that are not in the workspace."),
    })
    .nullable(),
});

/** Earlier daemons do not say. */
export const backgroundCommands = z
  .array(z.int())
  .default([])
  .describe(
    "Commands that have ended and left processes running. What those print is kept with the command's own output.",
  );

export const execView = z.object({
  workspace_id: z.string(),
  sequence: z.int().describe("Number of the command in this workspace."),
  command: z.union([z.string(), z.array(z.string())]),
  cwd: z.string(),
  ...programView.shape,
  restarted: z.boolean().describe("True when the workspace was stopped and has been started for this."),
  background_commands: backgroundCommands,
});

export type WorkspaceView = z.output<typeof workspaceView>;
export type SkippedFile = z.output<typeof skippedFiles>[number];
