// Owns starting, stopping and renewing a workspace's machine. Never touches its disk's content.
import { PyroError } from "../../base/error.js";
import type { Task } from "../../base/progress.js";
import { reportFault } from "../../base/report.js";
import type { LiveMachine, MachineHost } from "../../machine/machine-host.js";
import { workspaceDrives } from "../record/files.js";
import type { Workspace } from "../workspace.js";

/** Milliseconds that a machine may outlive its idle limit, for the daemon to stop it in order first. */
const deadlineGraceMs = 10 * 60_000;
/** Milliseconds between two renewals of a machine's deadline. */
const renewAfterMs = 60_000;
/** A machine of a workspace that never idles out still has a deadline, renewed while a daemon looks after it. */
const longestMs = 7 * 24 * 60 * 60_000;
/** Milliseconds for the guest to flush and take its mounts apart. */
const unmountTimeoutMs = 20_000;

/** Starts the machine on the workspace's disk. The caller holds the lock exclusively, or nobody else has it yet. */
export async function startWorkspaceMachine(machines: MachineHost, workspace: Workspace, task: Task): Promise<void> {
  const { record, files } = workspace;
  const live = await machines.create(
    {
      environment: workspace.environment,
      vcpuCount: record.vcpu_count,
      memMib: record.mem_mib,
      drives: workspaceDrives(files),
      hostname: record.name ?? record.id.replace("_", "-"),
      deadlineMs: deadlineOf(workspace, Date.now()),
      keep: true,
    },
    task,
  );
  await useMachine(workspace, live);
}

/** Makes `live` the workspace's machine; when it ends by itself, the workspace is stopped. */
export async function useMachine(workspace: Workspace, live: LiveMachine): Promise<void> {
  workspace.live = live;
  workspace.usedAt = Date.now();
  const last_active_at = new Date(workspace.usedAt).toISOString();
  await workspace.save({ state: "running", machine_id: live.id, failure: null, stopped_at: null, last_active_at });
  void live.machine.exited.then(async ({ reason }) => {
    if (workspace.live !== live || workspace.handedOver) return;
    workspace.live = undefined;
    await live[Symbol.asyncDispose]();
    const stopped = { machine_id: null, stopped_at: new Date().toISOString() };
    await workspace.save({ ...stopped, state: "stopped", failure: `The machine ended: ${reason}` });
  });
}

/**
 * Ends the machine in order: what was written is on the disk, or the record says that it may not be. Needs no lock: whoever
 * starts the next machine waits for this one's end. Undefined where there is none.
 */
export function stopWorkspaceMachine(workspace: Workspace): Promise<boolean> | undefined {
  const { live } = workspace;
  if (live === undefined) return workspace.leaving?.flushed;
  workspace.live = undefined;
  const flushed = leave(workspace, live);
  workspace.leaving = { live, flushed };
  return flushed;
}

async function leave(workspace: Workspace, live: LiveMachine): Promise<boolean> {
  // By the clock as well: a machine that stands still for lack of disk must not hold up its end.
  const signal = AbortSignal.timeout(unmountTimeoutMs);
  const unmounted = live.session.machine.unmount({}, { signal, bound: { totalMs: unmountTimeoutMs } });
  const flushed = await unmounted.then(
    () => true,
    () => false,
  );
  try {
    await live[Symbol.asyncDispose]();
    const stopped = { machine_id: null, stopped_at: new Date().toISOString() };
    await workspace.save({ ...stopped, state: "stopped", failure: flushed ? null : notFlushed });
  } catch (error) {
    reportFault("workspace not stopped in order", error, { workspace: workspace.id });
  } finally {
    workspace.leaving = undefined;
  }
  return flushed;
}

/** What is said of a machine that was ended before it had written everything. */
export const notFlushed = `Its machine did not write everything to its disk within ${unmountTimeoutMs / 1000} s: what was written last may be missing`;

/** Ends the machine at once, for a disk that is thrown away anyway. */
export async function killWorkspaceMachine(workspace: Workspace): Promise<void> {
  const { live, leaving } = workspace;
  workspace.live = undefined;
  await live?.[Symbol.asyncDispose]();
  await leaving?.live[Symbol.asyncDispose]();
  await leaving?.flushed;
}

export interface Awake {
  readonly live: LiveMachine;
  /** True when it was stopped and has just been started. */
  readonly restarted: boolean;
}

/** The machine of a workspace that is about to be used, started where needed. */
export async function wake(machines: MachineHost, workspace: Workspace, task: Task): Promise<Awake> {
  if (workspace.live !== undefined) {
    await touch(workspace);
    return { live: workspace.live, restarted: false };
  }
  // Waits for a create or reset that is under way.
  const signal = AbortSignal.any([task.signal, workspace.gone.signal]);
  return workspace.lock.exclusive(signal, async () => {
    await workspace.leaving?.flushed;
    // Somebody else may have started it, or ended it for good, meanwhile.
    if (workspace.live !== undefined) return { live: workspace.live, restarted: false };
    refuseUnusable(workspace);
    await startWorkspaceMachine(machines, workspace, { ...task, signal });
    await workspace.note({ type: "started", detail: "" });
    return { live: requireLive(workspace), restarted: true };
  });
}

function refuseUnusable({ record, gone }: Workspace): void {
  gone.signal.throwIfAborted();
  // Running, but its machine was ended for a reset that then did not come.
  if (record.state === "stopped" || record.state === "running") return;
  if (record.state === "creating") {
    throw new PyroError("not_found", `Workspace ${record.id} could not be created.`, { hint: "Create it again." });
  }
  throw new PyroError("failed_precondition", `Workspace ${record.id} is ${record.state}: ${record.failure ?? ""}.`, {
    hint: "Reset or delete it.",
  });
}

function requireLive(workspace: Workspace): LiveMachine {
  if (workspace.live !== undefined) return workspace.live;
  throw withoutMachine(workspace);
}

export function withoutMachine({ id }: Workspace): PyroError {
  return new PyroError("unavailable", `Workspace ${id} has no machine any more.`, { hint: "Call again." });
}

/** Notes that the workspace is in use, and renews its machine's deadline; cheap when it just was. */
export async function touch(workspace: Workspace): Promise<void> {
  const now = Date.now();
  workspace.usedAt = now;
  if (now - Date.parse(workspace.record.last_active_at) < renewAfterMs) return;
  await workspace.save({ last_active_at: new Date(now).toISOString() });
  await workspace.live?.machine.extend(deadlineOf(workspace, now));
}

function deadlineOf({ record }: Workspace, now: number): number {
  const idle = record.ttl_seconds === 0 ? longestMs : record.ttl_seconds * 1000;
  return now + Math.min(idle, longestMs) + deadlineGraceMs;
}
