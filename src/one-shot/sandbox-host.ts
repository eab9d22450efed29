// Owns the sandboxes of this daemon, for hosts where no machine can start: start to removal. Never keeps one for later.
import { setTimeout as delay } from "node:timers/promises";
import { newId } from "../base/id.js";
import type { Task } from "../base/progress.js";
import { findSandboxPrograms, sandboxFailure, startSandbox } from "../engine/compat/sandbox.js";
import type { Machine } from "../engine/engine.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import { greet } from "../machine/boot.js";
import type { GuestSession } from "../guest/session.js";
import { giveIdentity } from "../machine/identity.js";
import { findInstallation } from "../base/installation.js";
import { machineHome, makeHome, removeHome, type MachineFolders, type MachineHome } from "../machine/machine-files.js";
import type { LiveMachine } from "../machine/machine-host.js";

/** Disposing it leaves nothing behind. */
export type LiveSandbox = Pick<LiveMachine, "id" | "machine" | "session"> & AsyncDisposable;

export interface SandboxRequest {
  readonly environment: InstalledEnvironment;
  /** Unix milliseconds at which it is removed, whatever happens. */
  readonly deadlineMs: number;
}

export interface SandboxHost {
  /** Rejects, with what to install, where none can start. */
  check(): Promise<void>;
  /** Starts a sandbox and waits until it answers. */
  create(request: SandboxRequest, task: Task): Promise<LiveSandbox>;
}

/** Milliseconds until it must have answered: unpacking is the most of it. */
const timeoutMs = 300_000;
/** Milliseconds that the end of its process may take to be known, after its channel has closed. */
const noticeMs = 2000;

/** Its folders are those of machines without a record, so that the next daemon removes what a dead one left. */
export function openSandboxHost(folders: Pick<MachineFolders, "state" | "sockets">): SandboxHost {
  return {
    check: async () => {
      await findSandboxPrograms();
      await findInstallation();
    },
    create: async (request, task) => {
      const home = machineHome({ ...folders, cache: "" }, newId("vm"));
      await makeHome(home);
      try {
        return await create(home, request, task);
      } catch (error) {
        await removeHome(home);
        throw error;
      }
    },
  };
}

async function create(home: MachineHome, request: SandboxRequest, task: Task): Promise<LiveSandbox> {
  const { environment, deadlineMs } = request;
  const signal = AbortSignal.any([task.signal, AbortSignal.timeout(timeoutMs)]);
  const hostname = home.id.replace("_", "-");
  task.progress({ phase: "boot", message: `Unpacking ${environment.name} for a sandbox on this host` });
  const { agentPath } = await findInstallation();
  const spec = { ...home, deadlineMs, hostname, agentPath, imagePath: environment.imagePath };
  const machine = await startSandbox(spec, signal);
  try {
    const session = await greet(machine, signal);
    await giveIdentity(session, { hostname, environment, seeded: false, mounted: false }, signal);
    return live(home, machine, session);
  } catch (error) {
    const exit = await Promise.race([machine.exited, delay(signal.aborted ? 0 : noticeMs, undefined, { ref: false })]);
    await machine.kill();
    signal.throwIfAborted();
    throw exit === undefined ? error : sandboxFailure(exit.reason);
  }
}

function live(home: MachineHome, machine: Machine, session: GuestSession): LiveSandbox {
  return {
    id: home.id,
    machine,
    session,
    [Symbol.asyncDispose]: async () => {
      session[Symbol.dispose]();
      await machine.kill();
      await removeHome(home);
    },
  };
}
