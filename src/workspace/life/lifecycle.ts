// Owns what ends or renews a workspace: reset, stop, delete, and doing so by the clock. Never runs commands.
import { rm } from "node:fs/promises";
import { crashPoint } from "../../base/crash-point.js";
import { asPyroError } from "../../base/error.js";
import type { Task } from "../../base/progress.js";
import { reportFault } from "../../base/report.js";
import type { MachineHost } from "../../machine/machine-host.js";
import { killWorkspaceMachine, notFlushed, restartWorkspaceMachine, stopWorkspaceMachine, touch } from "./machine.js";
import { holdAlone } from "../access.js";
import type { WorkspaceStore } from "../record/store.js";
import { ended, refusalError, stillBusy } from "../refusals.js";
import type { Workspace } from "../workspace.js";

/** Back to what create made: a fresh machine on a fresh disk over the same seed; the history starts anew. */
export async function resetWorkspace(machines: MachineHost, workspace: Workspace, task: Task): Promise<void> {
  const signal = AbortSignal.any([task.signal, workspace.gone]);
  workspace.endCalls(ended(workspace.id, "reset"));
  await aloneSoon(workspace, signal, async () => {
    // From here on it is a reset, also if we are killed: the next daemon completes it.
    await workspace.enforce({ type: "reset" });
    await emptyWorkspace(workspace);
    await restartWorkspaceMachine(machines, workspace, { ...task, signal });
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
  const giveUp = setTimeout(() => stuck.abort(stillBusy(workspace.id)), patienceMs + hostWorkMs);
  const calm = () => {
    clearTimeout(impatient);
    clearTimeout(giveUp);
  };
  try {
    await holdAlone(workspace, AbortSignal.any([signal, stuck.signal]), async () => {
      calm();
      await kill;
      await work();
    });
  } finally {
    calm();
  }
}

/** The part of a reset that replaces what was there; safe to do twice. Leaves the workspace stopped, or failed. */
export async function emptyWorkspace(workspace: Workspace): Promise<void> {
  const { files } = workspace;
  try {
    await killWorkspaceMachine(workspace);
    await rm(files.disk, { force: true });
    crashPoint("workspace disk removed");
    await rm(files.journal, { force: true });
    await rm(files.output, { recursive: true, force: true });
    crashPoint("workspace history removed");
  } catch (error) {
    const why = `Its reset came to no end: ${asPyroError(error).message}`;
    await workspace.change({ type: "spoiled", why }).catch(() => undefined);
    throw error;
  }
  workspace.outputs.forget();
  workspace.execs.clear();
  workspace.background.clear();
  await workspace.change({ type: "emptied", now: Date.now() });
}

/** True when it ran and no longer does. Needs no lock, so that nothing that works in the workspace holds it up. */
export async function stopWorkspace(workspace: Workspace, signal: AbortSignal): Promise<boolean> {
  // What is just being started is stopped once it runs.
  if (workspace.live === undefined) await holdAlone(workspace, signal, () => Promise.resolve());
  const stopping = stopWorkspaceMachine(workspace);
  if (stopping === undefined) return false;
  workspace.endCalls(ended(workspace.id, "stopped"));
  const flushed = await stopping;
  await workspace.note({ type: "stopped", detail: flushed ? "" : notFlushed });
  return true;
}

/** Waits for nothing that works in it: that has no machine, and soon no files any more. */
export async function deleteWorkspace(store: WorkspaceStore, workspace: Workspace): Promise<void> {
  const refusal = await workspace.change({ type: "delete", because: "deleted" });
  if (refusal !== undefined && refusal.refused !== "moot") throw refusalError(workspace, refusal);
  workspace.endCalls(ended(workspace.id, "deleted"));
  await killWorkspaceMachine(workspace);
  const remove = () => store.remove(workspace);
  const patience = AbortSignal.timeout(patienceMs);
  try {
    await holdAlone(workspace, patience, remove);
  } catch (error) {
    if (error !== patience.reason) throw error;
    await remove();
  }
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
  if (workspace.live !== undefined && (workspace.execs.size > 0 || ttl === 0)) await touch(workspace);
  else if (workspace.live !== undefined && now - workspace.usedAt > ttl * 1000) await stopWorkspace(workspace, signal);
  else if ((workspace.deletesAt ?? Infinity) <= now) await deleteWorkspace(store, workspace);
}
