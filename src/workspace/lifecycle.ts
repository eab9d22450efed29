// Owns what ends or renews a workspace: reset, stop, start, delete, and doing so by the clock. Never runs commands.
import { rm } from "node:fs/promises";
import type { Task } from "../base/progress.js";
import type { MachineHost } from "../machine/machine-host.js";
import { killWorkspaceMachine, startWorkspaceMachine, stopWorkspaceMachine, touch, wake } from "./running.js";
import type { WorkspaceStore } from "./store.js";
import type { Workspace } from "./workspace.js";

/** Milliseconds after which a stopped workspace is deleted. */
export const keepStoppedMs = 7 * 24 * 60 * 60_000;

/** Back to what create made: a fresh machine on a fresh disk over the same seed; the history starts anew. */
export async function resetWorkspace(machines: MachineHost, workspace: Workspace, task: Task): Promise<void> {
  await workspace.lock.exclusive(task.signal, async () => {
    // From here on it is a reset, also if we are killed: the next daemon completes it.
    await workspace.save({ state: "resetting" });
    await killWorkspaceMachine(workspace);
    await emptyWorkspace(workspace);
    await startWorkspaceMachine(machines, workspace, task);
  });
}

/** The part of a reset that replaces what was there; safe to do twice. Leaves the workspace stopped. */
export async function emptyWorkspace(workspace: Workspace): Promise<void> {
  const { files } = workspace;
  await rm(files.disk, { force: true });
  await rm(files.journal, { force: true });
  await rm(files.output, { recursive: true, force: true });
  workspace.execs.clear();
  const now = new Date().toISOString();
  await workspace.save({ state: "stopped", machine_id: null, last_reset_at: now, stopped_at: now, failure: null });
}

export async function stopWorkspace(workspace: Workspace, signal: AbortSignal): Promise<boolean> {
  return workspace.lock.exclusive(signal, async () => {
    if (workspace.live === undefined) return false;
    await stopWorkspaceMachine(workspace);
    await workspace.note({ type: "stopped", detail: "" });
    return true;
  });
}

/** True when it was stopped and runs now. */
export async function startWorkspace(machines: MachineHost, workspace: Workspace, task: Task): Promise<boolean> {
  return (await wake(machines, workspace, task)).restarted;
}

export async function deleteWorkspace(store: WorkspaceStore, workspace: Workspace, signal: AbortSignal): Promise<void> {
  await workspace.lock.exclusive(signal, async () => {
    await killWorkspaceMachine(workspace);
    await store.remove(workspace);
  });
}

/** When a stopped workspace will be deleted, as unix milliseconds; undefined while it is not stopped. */
export function deletionTime({ record }: Workspace): number | undefined {
  if (record.state !== "stopped" || record.stopped_at === null) return undefined;
  return Date.parse(record.stopped_at) + keepStoppedMs;
}

/** Stops what has been idle for its time and deletes what has been stopped for too long. */
export async function sweep(store: WorkspaceStore, now: number, signal: AbortSignal): Promise<void> {
  for (const workspace of store.all()) {
    const { ttl_seconds: ttl } = workspace.record;
    const doomed = deletionTime(workspace);
    if (workspace.live !== undefined && (workspace.execs.size > 0 || ttl === 0)) await touch(workspace);
    else if (workspace.live !== undefined && now - workspace.usedAt > ttl * 1000)
      await stopWorkspace(workspace, signal);
    else if (doomed !== undefined && doomed <= now) await deleteWorkspace(store, workspace, signal);
  }
}
