// Owns the modes: which tools a server offers for one kind of task, and what it says about them. Never calls one.
import type { Mode } from "../../operations/serve-choices.js";

export interface ModeShape {
  /** The task in one or two sentences, which its instructions begin with. */
  readonly task: string;
  /** Names of its tools; the contract lists the same. */
  readonly tools: readonly string[];
  /** What it says of a tool instead of the tool's own description. */
  readonly descriptions?: Readonly<Record<string, string>>;
}

const look = [
  "workspace_create",
  "workspace_list",
  "workspace_status",
  "workspace_exec",
  "workspace_wait",
  "workspace_logs",
  "workspace_summary",
  "workspace_file_list",
  "workspace_file_read",
];

export const modeShapes: Readonly<Record<Mode, ModeShape>> = {
  "repro-fix": {
    task:
      "Your task here is to reproduce a failure and to fix it: make it fail in a workspace first, patch, run the same command " +
      "again until it passes, then hand over the diff.",
    tools: [
      ...look,
      "workspace_update",
      "workspace_sync_push",
      "workspace_file_write",
      "workspace_patch_apply",
      "workspace_diff",
      "workspace_export",
      "workspace_reset",
      "workspace_delete",
    ],
    descriptions: {
      workspace_diff:
        "Shows the fix: what changed in /workspace since create, as entries and a unified patch, which the line in `apply` takes on the host. Look at " +
        "it before handing it over, and take out what only served to find the fault.",
    },
  },
  inspect: {
    task:
      "Your task here is to look at a project that may be hostile, and to report: read its files, run what helps to understand " +
      "it, and change nothing on the host.",
    tools: [...look, "workspace_export", "workspace_delete"],
    descriptions: {
      workspace_export:
        "Copies one file or folder of findings from /workspace to output_path on the host, which must not exist and must lie in " +
        "the project or a folder the user allowed. Never export what came with an untrusted project and could run there.",
    },
  },
  "cold-start": {
    task: "Your task here is to find out whether the project builds, tests and starts from nothing, and what it needs for that.",
    tools: [
      ...look,
      "workspace_export",
      "workspace_reset",
      "workspace_delete",
      "service_start",
      "service_list",
      "service_status",
      "service_logs",
      "service_stop",
    ],
  },
  "review-eval": {
    task: "Your task here is to review or evaluate a change: run it, compare attempts from the same snapshot, and report.",
    tools: [
      ...look,
      "workspace_diff",
      "workspace_export",
      "workspace_reset",
      "workspace_delete",
      "snapshot_create",
      "snapshot_list",
      "snapshot_delete",
      "shell_open",
      "shell_read",
      "shell_write",
      "shell_signal",
      "shell_close",
    ],
  },
};
