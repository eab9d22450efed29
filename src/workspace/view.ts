// Owns how workspaces and commands look to callers, in wire names. Never changes them.
import { notExited, viewOfOutcome } from "../process/outcome.js";
import { viewOfOutput } from "../process/output.js";
import type { ExecResult } from "./program/exec.js";
import { deletionTime } from "./life/lifecycle.js";
import type { WorkspaceRecord } from "./record/record.js";
import type { NewerWorkspace } from "./record/store.js";
import type { Workspace } from "./workspace.js";

export function workspaceView(workspace: Workspace) {
  const { record, state } = workspace;
  const deletesAt = deletionTime(workspace);
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
    workspace_seed: seedView(record.seed),
  };
}

/** Skipped files that a result names; the count of all is in the record. */
const maxSkipped = 100;

function seedView(seed: WorkspaceRecord["seed"]) {
  if (seed === null) return null;
  const { digest: _, ...view } = seed;
  return { ...view, skipped: seed.skipped.slice(0, maxSkipped) };
}

export function execView(workspace: Workspace, { started, ended, stdout, stderr, restarted }: ExecResult) {
  return {
    workspace_id: workspace.id,
    sequence: started.sequence,
    command: started.command,
    cwd: started.cwd,
    ...viewOfOutcome(ended?.outcome ?? notExited("running", Math.max(0, Date.now() - Date.parse(started.at)))),
    ...viewOfOutput({ stdout, stderr, droppedBytes: ended?.droppedBytes ?? 0 }),
    restarted,
  };
}

export function newerView({ id, name, reason }: NewerWorkspace) {
  return { id, name, reason };
}
