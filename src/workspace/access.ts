// Owns the one door into a workspace: finds it, starts its machine, takes its lock, and tries again when the machine went in between. Never ends one.
import type { Task } from "../base/progress.js";
import type { GuestSession } from "../guest/session.js";
import { reportTrouble } from "../machine/machine-end.js";
import type { LiveMachine, MachineHost } from "../machine/machine-host.js";
import { restartWorkspaceMachine, touch } from "./life/machine.js";
import type { WorkspaceStore } from "./record/store.js";
import { withoutMachine } from "./refusals.js";
import type { Workspace } from "./workspace.js";

/** What work on a workspace needs of it; each operation says so in its literal. */
export type Need = NeedOutside | NeedInside;
/** `record`: what is written down about it. `stopped`: itself, stopped or not; the work ends or starts its machine. */
export type NeedOutside = "record" | "stopped";
/** Its machine, started where needed: `beside` what others do in it, or `alone`. */
export type NeedInside = "beside" | "alone";

export interface Door {
  readonly store: WorkspaceStore;
  readonly machines: MachineHost;
}

/** A call, with what its operation needs. */
export interface Needing<Needs extends Need> extends Task {
  readonly needs: Needs;
}

export interface Inside {
  readonly workspace: Workspace;
  readonly live: LiveMachine;
  readonly session: GuestSession;
  /** Aborted when the caller leaves, the workspace is stopped, reset or deleted, or its machine cannot go on for now. */
  readonly signal: AbortSignal;
}

export interface Restarted {
  /** Whether the machine was started for this work. */
  readonly restarted: boolean;
}

export interface WorkOutside<Result> {
  /** Id, unique prefix of one, or name. */
  readonly id: string;
  readonly needs: NeedOutside;
  work(workspace: Workspace): Promise<Result>;
}

export interface WorkInside<Result> {
  readonly id: string;
  readonly needs: NeedInside;
  work(inside: Inside): Promise<Result>;
}

/** Does the work once the workspace is as it needs it. */
export function enter<Result>(door: Door, work: WorkOutside<Result>, task: Task): Promise<Result>;
export function enter<Result>(door: Door, work: WorkInside<Result>, task: Task): Promise<Result & Restarted>;
export async function enter<Result>(
  { store, machines }: Door,
  entry: WorkOutside<Result> | WorkInside<Result>,
  task: Task,
): Promise<Result> {
  const workspace = store.find(entry.id);
  switch (entry.needs) {
    case "record":
    case "stopped":
      return entry.work(workspace);
    case "beside":
    case "alone":
      return enterMachine({ machines, workspace, entry }, task);
  }
}

/** How often a machine is started again for one call, where others stop it each time. */
const maxTries = 5;

interface Entry<Result> extends Pick<Door, "machines"> {
  readonly workspace: Workspace;
  readonly entry: WorkInside<Result>;
}

async function enterMachine<Result>(
  { machines, workspace, entry }: Entry<Result>,
  task: Task,
): Promise<Result & Restarted> {
  let restarted = false;
  for (let tries = 0; tries < maxTries; tries += 1) {
    restarted = (await wake(machines, workspace, task)) || restarted;
    const { calls, lock } = workspace;
    const until = AbortSignal.any([task.signal, calls]);
    let begun = false;
    const run = async () => {
      const { live } = workspace;
      if (live === undefined) return undefined;
      begun = true;
      const signal = AbortSignal.any([until, live.machine.stalled()]);
      try {
        return { result: await entry.work({ workspace, live, session: live.session, signal }) };
      } catch (error) {
        if (!signal.aborted) await reportTrouble(live.machine, error);
        throw error;
      }
    };
    try {
      const done = await (entry.needs === "alone" ? lock.exclusive(until, run) : lock.shared(until, run));
      if (done !== undefined) return { ...done.result, restarted };
    } catch (error) {
      // What only waited has done nothing yet, and may as well wait for the next machine.
      if (begun || !calls.aborted || task.signal.aborted || workspace.gone.aborted) throw error;
    }
  }
  throw withoutMachine(workspace.id);
}

/** Starts the machine of a workspace that has none; true when this call has. */
export async function wake(machines: MachineHost, workspace: Workspace, task: Task): Promise<boolean> {
  if (workspace.live !== undefined) {
    await touch(workspace);
    return false;
  }
  // Waits for a create or reset that is under way.
  const signal = AbortSignal.any([task.signal, workspace.gone]);
  return holdAlone(workspace, signal, async () => {
    if (workspace.state.at === "stopping") await workspace.state.flushed;
    // Somebody else may have started it, or ended it for good, meanwhile.
    if (workspace.live !== undefined) return false;
    await restartWorkspaceMachine(machines, workspace, { ...task, signal });
    await workspace.note({ type: "started", detail: "" });
    return true;
  });
}

/** For what begins or ends a workspace: has it alone, whatever state it is in. Aborting only ends the wait. */
export function holdAlone<Result>(
  { lock }: Workspace,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  return lock.exclusive(signal, work);
}
