// Owns what ends or renews a workspace: reset, stop, start, delete, and doing so by the clock. Never runs commands.
import { rm } from "node:fs/promises";
import { PyroError } from "../../base/error.js";
import type { Task } from "../../base/progress.js";
import { reportFault } from "../../base/report.js";
import type { MachineHost } from "../../machine/machine-host.js";
import {
  killWorkspaceMachine,
  notFlushed,
  startWorkspaceMachine,
  stopWorkspaceMachine,
  touch,
  wake,
} from "./machine.js";
import type { WorkspaceStore } from "../record/store.js";
import type { Workspace } from "../workspace.js";

/** Milliseconds after which a stopped workspace is deleted. */
export const keepStoppedMs = 7 * 24 * 60 * 60_000;

/** Back to what create made: a fresh machine on a fresh disk over the same seed; the history starts anew. */
export async function resetWorkspace(machines: MachineHost, workspace: Workspace, task: Task): Promise<void> {
  const signal = AbortSignal.any([task.signal, workspace.gone.signal]);
  workspace.endCalls(ended(workspace, "reset"));
  await aloneSoon(workspace, signal, async () => {
    // From here on it is a reset, also if we are killed: the next daemon completes it.
    await workspace.save({ state: "resetting" });
    await killWorkspaceMachine(workspace);
    await emptyWorkspace(workspace);
    await startWorkspaceMachine(machines, workspace, { ...task, signal });
  });
}

/** Milliseconds in which calls end by themselves, before the machine under them is ended. */
const patienceMs = 2000;
/** Milliseconds for work on the host that was told to end. */
const hostWorkMs = 30_000;

/** Runs work alone, soon: what works in the workspace was told to end, and after a while has no machine any more. */
async function aloneSoon(workspace: Workspace, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  let kill: Promise<void> | undefined;
  const impatient = setTimeout(() => {
    kill = killWorkspaceMachine(workspace);
    kill.catch(() => undefined);
  }, patienceMs);
  const stuck = new AbortController();
  const giveUp = setTimeout(() => stuck.abort(stillBusy(workspace)), patienceMs + hostWorkMs);
  const calm = () => {
    clearTimeout(impatient);
    clearTimeout(giveUp);
  };
  try {
    await workspace.lock.exclusive(AbortSignal.any([signal, stuck.signal]), async () => {
      calm();
      await kill;
      await work();
    });
  } finally {
    calm();
  }
}

function stillBusy({ id }: Workspace): PyroError {
  return new PyroError("deadline_exceeded", `What works in ${id} does not end, though it was told to.`, {
    hint: "Call again; deleting the workspace waits for nothing.",
  });
}

function ended({ id }: Workspace, how: "reset" | "stopped" | "deleted"): PyroError {
  return new PyroError("canceled", `Workspace ${id} was ${how} in the middle of this call.`, {
    hint: how === "deleted" ? "Create another one." : "Call again; look first at what was done before.",
  });
}

/** The part of a reset that replaces what was there; safe to do twice. Leaves the workspace stopped. */
export async function emptyWorkspace(workspace: Workspace): Promise<void> {
  const { files } = workspace;
  await rm(files.disk, { force: true });
  await rm(files.journal, { force: true });
  await rm(files.output, { recursive: true, force: true });
  workspace.outputs.forget();
  workspace.execs.clear();
  const now = new Date().toISOString();
  await workspace.save({ state: "stopped", machine_id: null, last_reset_at: now, stopped_at: now, failure: null });
}

/** True when it ran and no longer does. Needs no lock, so that nothing that works in the workspace holds it up. */
export async function stopWorkspace(workspace: Workspace, signal: AbortSignal): Promise<boolean> {
  // What is just being started is stopped once it runs.
  if (workspace.live === undefined) await workspace.lock.exclusive(signal, () => Promise.resolve());
  const stopping = stopWorkspaceMachine(workspace);
  if (stopping === undefined) return false;
  workspace.endCalls(ended(workspace, "stopped"));
  const flushed = await stopping;
  await workspace.note({ type: "stopped", detail: flushed ? "" : notFlushed });
  return true;
}

/** True when it was stopped and runs now. */
export async function startWorkspace(machines: MachineHost, workspace: Workspace, task: Task): Promise<boolean> {
  return (await wake(machines, workspace, task)).restarted;
}

/** Waits for nothing that works in it: that has no machine, and soon no files any more. */
export async function deleteWorkspace(store: WorkspaceStore, workspace: Workspace): Promise<void> {
  const reason = ended(workspace, "deleted");
  workspace.gone.abort(reason);
  workspace.endCalls(reason);
  await killWorkspaceMachine(workspace);
  const remove = async () => {
    await killWorkspaceMachine(workspace);
    await store.remove(workspace);
  };
  const patience = AbortSignal.timeout(patienceMs);
  try {
    await workspace.lock.exclusive(patience, remove);
  } catch (error) {
    if (error !== patience.reason) throw error;
    await remove();
  }
}

/** When a stopped workspace will be deleted, as unix milliseconds; undefined while it is not stopped. */
export function deletionTime({ record }: Workspace): number | undefined {
  if (record.state !== "stopped" || record.stopped_at === null) return undefined;
  return Date.parse(record.stopped_at) + keepStoppedMs;
}

/** Stops what has been idle for its time and deletes what has been stopped for too long. */
export async function sweep(store: WorkspaceStore, now: number, signal: AbortSignal): Promise<void> {
  const swept = store.all().map((workspace) =>
    // One that fails or is slow must not keep the others from their turn.
    sweepOne(store, { workspace, now }, signal).catch((error: unknown) => {
      reportFault("workspace not swept", error, { workspace: workspace.id });
    }),
  );
  await Promise.all(swept);
}

async function sweepOne(
  store: WorkspaceStore,
  { workspace, now }: { readonly workspace: Workspace; readonly now: number },
  signal: AbortSignal,
): Promise<void> {
  const { ttl_seconds: ttl } = workspace.record;
  const doomed = deletionTime(workspace);
  if (workspace.live !== undefined && (workspace.execs.size > 0 || ttl === 0)) await touch(workspace);
  else if (workspace.live !== undefined && now - workspace.usedAt > ttl * 1000) await stopWorkspace(workspace, signal);
  else if (doomed !== undefined && doomed <= now) await deleteWorkspace(store, workspace);
}
