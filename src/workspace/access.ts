// Owns the one door into a workspace's machine: starts it, takes the lock, and tries again when the machine went in between. Never ends one.
import type { Task } from "../base/progress.js";
import { reportTrouble } from "../machine/machine-end.js";
import type { LiveMachine, MachineHost } from "../machine/machine-host.js";
import { wake } from "./life/machine.js";
import { withoutMachine } from "./refusals.js";
import type { Workspace } from "./workspace.js";

export interface Door {
  readonly machines: MachineHost;
  readonly workspace: Workspace;
  /** Waits until nobody else works in it, and keeps others out; else works beside them. */
  readonly alone: boolean;
}

export interface Entered {
  readonly live: LiveMachine;
  /** Aborted when the caller leaves, the workspace is stopped, reset or deleted, or its machine cannot go on for now. */
  readonly signal: AbortSignal;
}

/** How often a machine is started again for one call, where others stop it each time. */
const maxTries = 5;

/** Runs work that needs the machine, which is started where needed; the result says whether it was. */
export async function enterWorkspace<Result>(
  { machines, workspace, alone }: Door,
  task: Task,
  work: (entered: Entered) => Promise<Result>,
): Promise<Result & { restarted: boolean }> {
  let wasRestarted = false;
  for (let tries = 0; tries < maxTries; tries += 1) {
    const { restarted } = await wake(machines, workspace, task);
    wasRestarted ||= restarted;
    const { calls, lock } = workspace;
    const until = AbortSignal.any([task.signal, calls]);
    let begun = false;
    const run = async () => {
      const { live } = workspace;
      if (live === undefined) return undefined;
      begun = true;
      const signal = AbortSignal.any([until, live.machine.stalled()]);
      try {
        return { result: await work({ live, signal }) };
      } catch (error) {
        if (!signal.aborted) await reportTrouble(live.machine, error);
        throw error;
      }
    };
    try {
      const done = await (alone ? lock.exclusive(until, run) : lock.shared(until, run));
      if (done !== undefined) return { ...done.result, restarted: wasRestarted };
    } catch (error) {
      // What only waited has done nothing yet, and may as well wait for the next machine.
      if (begun || !calls.aborted || task.signal.aborted || workspace.gone.aborted) throw error;
    }
  }
  throw withoutMachine(workspace.id);
}
