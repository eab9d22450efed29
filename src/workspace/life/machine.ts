// Owns starting, stopping and renewing a workspace's machine. Never touches its disk's content.
import type { Task } from "../../base/progress.js";
import { reportFault } from "../../base/report.js";
import type { LiveMachine, MachineHost } from "../../machine/machine-host.js";
import { workspaceDrives } from "../record/files.js";
import { refusalError } from "../refusals.js";
import type { Workspace } from "../workspace.js";

/** Milliseconds that a machine may outlive its idle limit, for the daemon to stop it in order first. */
const deadlineGraceMs = 10 * 60_000;
/** Milliseconds between two renewals of a machine's deadline. */
const renewAfterMs = 60_000;
/** A machine of a workspace that never idles out still has a deadline, renewed while a daemon looks after it. */
const longestMs = 7 * 24 * 60 * 60_000;
/** Milliseconds for the guest to flush and take its mounts apart. */
const unmountTimeoutMs = 20_000;

/** Starts the machine of a stopped workspace; where none comes, the workspace is stopped again. The caller has it alone. */
export async function restartWorkspaceMachine(machines: MachineHost, workspace: Workspace, task: Task): Promise<void> {
  await workspace.enforce({ type: "start" });
  try {
    await startWorkspaceMachine(machines, workspace, task);
  } catch (error) {
    await workspace.change({ type: "not_started", now: Date.now(), why: null });
    throw error;
  }
}

/** Starts the machine on the workspace's disk. The caller has the workspace alone. */
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

/** Makes `live` the workspace's machine, or ends it where none may come any more; when it ends by itself, the workspace is stopped. */
export async function useMachine(workspace: Workspace, live: LiveMachine): Promise<void> {
  const now = Date.now();
  workspace.usedAt = now;
  void live.machine.exited.then(({ reason }) => endedByItself(workspace, live, reason)).catch(complaintOf(workspace));
  const refusal = await workspace.change({ type: "started", machine: live, now });
  if (refusal === undefined) return;
  await live[Symbol.asyncDispose]();
  throw refusalError(workspace, refusal);
}

async function endedByItself(workspace: Workspace, live: LiveMachine, reason: string): Promise<void> {
  // Whoever told a machine to end waits for it as well.
  if (workspace.live !== live) return;
  const why = `The machine ended: ${reason}`;
  const saved = workspace.change({ type: "ended", machine: live, now: Date.now(), why });
  await Promise.all([live[Symbol.asyncDispose](), saved]);
}

function complaintOf({ id }: Workspace): (error: unknown) => void {
  return (error) => reportFault("workspace not stopped in order", error, { workspace: id });
}

/**
 * Ends the machine in order: what was written is on the disk, or the record says that it may not be. Needs no lock: whoever
 * starts the next machine waits for this one's end. Undefined where there is none.
 */
export function stopWorkspaceMachine(workspace: Workspace): Promise<boolean> | undefined {
  const { state } = workspace;
  if (state.at === "stopping") return state.flushed;
  if (state.at !== "running") return undefined;
  return endMachine(workspace, state.machine, { flushed: unmounted(state.machine), otherwise: notFlushed });
}

/** By the clock as well: a machine that stands still for lack of disk must not hold up its end. */
function unmounted({ session }: LiveMachine): Promise<boolean> {
  const signal = AbortSignal.timeout(unmountTimeoutMs);
  return session.machine.unmount({}, { signal, bound: { totalMs: unmountTimeoutMs } }).then(
    () => true,
    () => false,
  );
}

interface Ending {
  readonly flushed: Promise<boolean>;
  /** What the record says where not everything is on the disk. */
  readonly otherwise: string;
}

function endMachine(workspace: Workspace, machine: LiveMachine, { flushed, otherwise }: Ending): Promise<boolean> {
  const complain = complaintOf(workspace);
  const gone = flushed.then(async (isFlushed) => {
    await Promise.resolve(machine[Symbol.asyncDispose]()).catch(complain);
    const why = isFlushed ? null : otherwise;
    await workspace.change({ type: "ended", machine, now: Date.now(), why }).catch(complain);
    return isFlushed;
  });
  void workspace.change({ type: "stop", flushed: gone });
  return gone;
}

/** What is said of a machine that was ended before it had written everything. */
export const notFlushed = `Its machine did not write everything to its disk within ${unmountTimeoutMs / 1000} s: what was written last may be missing`;
const killed = "Its machine was ended at once, for a reset: what was written last may be missing";

/** Ends the machine at once, for a disk that is thrown away anyway. */
export async function killWorkspaceMachine(workspace: Workspace): Promise<void> {
  const { state } = workspace;
  switch (state.at) {
    case "running":
      await endMachine(workspace, state.machine, { flushed: Promise.resolve(false), otherwise: killed });
      return;
    case "stopping":
      await state.machine[Symbol.asyncDispose]();
      await state.flushed;
      return;
    case "replacing":
    case "deleting":
      await state.machine?.[Symbol.asyncDispose]();
      return;
    case "creating":
    case "starting":
    case "stopped":
    case "failed":
    case "left":
  }
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
