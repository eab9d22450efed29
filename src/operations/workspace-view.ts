// Owns how workspaces, their commands and their files look to callers, as the schemas beside it say: domain to wire names. Never changes them.
import type * as z from "zod";
import { notExited, viewOfOutcome } from "../process/outcome.js";
import { viewOfOutput } from "../process/output.js";
import type { ListedFile } from "../workspace/files/single.js";
import type { ExecResult } from "../workspace/program/exec.js";
import type { CommandEntry } from "../workspace/program/history.js";
import type { WorkspaceRecord } from "../workspace/record/record.js";
import type { WorkspaceStatus } from "../workspace/status.js";
import type { Workspace } from "../workspace/workspace.js";
import type { execView, FileEntryView, workspaceView } from "./workspace-fields.js";

export function viewOfWorkspace(workspace: Workspace): z.input<typeof workspaceView> {
  const { record, state, deletesAt } = workspace;
  return {
    workspace_id: record.id,
    name: record.name,
    labels: record.labels,
    state: record.state,
    environment: record.environment.name,
    vcpu_count: record.vcpu_count,
    mem_mib: record.mem_mib,
    ttl_seconds: record.ttl_seconds,
    network_policy: record.network_policy,
    created_at: record.created_at,
    last_active_at: new Date(workspace.usedAt).toISOString(),
    last_reset_at: record.last_reset_at,
    stopped_at: record.stopped_at,
    deletes_at: deletesAt === undefined ? null : new Date(deletesAt).toISOString(),
    failure: record.failure,
    phase: state.at === "creating" ? state.phase : null,
    workspace_seed: viewOfSeed(record.seed),
  };
}

/** Skipped files that a result names; the count of all is in the record. */
const maxSkipped = 100;

function viewOfSeed(seed: WorkspaceRecord["seed"]) {
  if (seed === null) return null;
  const { digest: _, ...view } = seed;
  return { ...view, skipped: seed.skipped.slice(0, maxSkipped) };
}

export function viewOfStatus({ workspace, ...measured }: WorkspaceStatus) {
  return {
    ...viewOfWorkspace(workspace),
    engine: measured.engine,
    accelerator: measured.accelerator,
    disk_bytes: measured.diskBytes,
    memory_bytes: measured.memoryBytes,
    paused_reason: measured.pausedReason,
    running_commands: measured.runningCommands,
    background_commands: measured.backgroundCommands,
    service_count: 0,
    running_service_count: 0,
    shell_count: 0,
  };
}

export function viewOfExec({ workspace, started, ended, ...rest }: ExecResult): z.input<typeof execView> {
  return {
    workspace_id: workspace.id,
    sequence: started.sequence,
    command: started.command,
    cwd: started.cwd,
    ...viewOfOutcome(ended?.outcome ?? notExited("running", Math.max(0, Date.now() - Date.parse(started.at)))),
    ...viewOfOutput({ stdout: rest.stdout, stderr: rest.stderr, droppedBytes: ended?.droppedBytes ?? 0 }),
    restarted: rest.restarted,
    background_commands: [...rest.background],
  };
}

export function viewOfFileEntry({ modifiedAt, linkTarget, ...entry }: ListedFile): FileEntryView {
  return { ...entry, modified_at: modifiedAt, link_target: linkTarget };
}

export function viewOfCommand({ started, outcome, ...kept }: CommandEntry) {
  return {
    sequence: started.sequence,
    command: started.command,
    cwd: started.cwd,
    started_at: started.at,
    ...viewOfOutcome(outcome),
    stdout_bytes: kept.stdoutBytes,
    stderr_bytes: kept.stderrBytes,
    output_removed: kept.outputRemoved,
    background: kept.background,
  };
}
