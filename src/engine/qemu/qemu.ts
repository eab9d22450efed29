// Owns the QEMU engine: starting a machine as a process and steering it over QMP. Never speaks to the guest.
import { setTimeout as delay } from "node:timers/promises";
import { PyroError } from "../../base/error.js";
import { stageDone } from "../../base/stage.js";
import { EndedAtStart } from "../ended-at-start.js";
import type { Adopt, Engine, Machine, MachineExit, MachineSpec, OwnDrives, SavedFiles } from "../engine.js";
import { adoptProcess } from "./adopted.js";
import { agentSocketName, consoleBytes, qemuArguments, qmpSocketName, type QemuHost } from "./arguments.js";
import { connectWhenReady } from "./connect.js";
import { watchDiskStall } from "./disk-stall.js";
import { deviceNode, imageNodes, rawImage } from "./drives.js";
import { Qmp } from "./qmp.js";
import { loadState, saveState } from "./saved-state.js";
import { supervise, type Supervised } from "../supervisor.js";

export interface QemuEngineOptions extends QemuHost {
  /** The static binary with the supervisor. */
  readonly agentPath: string;
  /** Absolute path of qemu-system-x86_64. */
  readonly qemuPath: string;
  readonly fingerprint: string;
}

/** What records and results name it by. */
export const qemuName = "qemu";

export function qemuEngine(options: QemuEngineOptions): Engine {
  return {
    name: qemuName,
    accelerator: options.accelerator,
    fingerprint: options.fingerprint,
    start: (spec, signal) => startMachine(spec, options, signal),
  };
}

export const adoptQemu: Adopt = async (kept, signal) => {
  const exited = new Promise<never>(() => undefined);
  const socket = await connectWhenReady({ folder: kept.socketFolder, name: qmpSocketName, exited }, signal);
  const qmp = await Qmp.open(socket, kept.id, signal);
  const process = adoptProcess({ process: kept.process, folder: kept.folder, qmp });
  return qemuMachine(kept, { process, qmp, accelerator: kept.accelerator, saveAs: undefined });
};

async function startMachine(spec: MachineSpec, options: QemuEngineOptions, signal: AbortSignal): Promise<Machine> {
  const process = await supervise(
    {
      program: options.qemuPath,
      args: qemuArguments(spec, options),
      agentPath: options.agentPath,
      folder: spec.folder,
      remove: [spec.folder, spec.socketFolder],
      deadlineMs: spec.deadlineMs,
    },
    signal,
  );
  stageDone(spec.id, "supervisor and QEMU spawned");
  let steered = false;
  try {
    const { exited } = process;
    const socket = await connectWhenReady({ folder: spec.socketFolder, name: qmpSocketName, exited }, signal);
    stageDone(spec.id, "control socket there");
    const qmp = await Qmp.open(socket, spec.id, signal);
    steered = true;
    stageDone(spec.id, "QEMU ready");
    if (spec.origin.from === "saved") {
      const { statePath } = spec.origin.files;
      await loadState({ qmp, socketFolder: spec.socketFolder, statePath }, signal);
      stageDone(spec.id, "state loaded");
    }
    const saveAs = spec.origin.from === "boot" ? spec.origin.saveAs : undefined;
    return qemuMachine(spec, { process, qmp, accelerator: options.accelerator, saveAs });
  } catch (error) {
    const exit = signal.aborted ? undefined : await endedByItself(process);
    await process.kill();
    if (exit === undefined || error instanceof EndedAtStart) throw error;
    if (!steered) throw new EndedAtStart(exit.reason, error);
    throw new PyroError("unavailable", `The machine ended while it was restored: ${exit.reason}`, { cause: error });
  }
}

/** Milliseconds that the end of a process may take to be known, after a connection to it has broken. */
const noticeMs = 1000;

/** Its last words, rather than what a broken connection says, tell what was wrong. Undefined while it runs. */
async function endedByItself({ exited }: Supervised): Promise<MachineExit | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([exited, delay(noticeMs, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

interface Running {
  readonly process: Supervised;
  readonly qmp: Qmp;
  readonly accelerator: string;
  readonly saveAs: SavedFiles | undefined;
}

function qemuMachine(
  spec: Pick<MachineSpec, "id" | "folder" | "socketFolder">,
  { process, qmp, accelerator, saveAs }: Running,
): Machine {
  const { exited } = process;
  const stall = watchDiskStall(qmp, spec);
  let generation = 0;
  return {
    id: spec.id,
    engine: qemuName,
    accelerator,
    pid: process.pid,
    channel: (signal) => connectWhenReady({ folder: spec.socketFolder, name: agentSocketName, exited }, signal),
    pause: async () => void (await qmp.execute("stop")),
    resume: async () => void (await qmp.execute("cont")),
    attach: async (drives) => {
      generation += 1;
      await exchangeDrives(qmp, drives, generation);
    },
    save: async (signal) => {
      if (saveAs === undefined) throw new PyroError("internal", "The machine was not started to be saved.");
      await saveState({ qmp, socketFolder: spec.socketFolder, statePath: saveAs.statePath }, signal);
    },
    consoleTail: async () => String(await qmp.execute("ringbuf-read", { device: "console", size: consoleBytes })),
    pausedReason: stall.reason,
    stalled: stall.signal,
    extend: process.extend,
    detach: process.detach,
    exited,
    kill: async () => {
      await process.kill();
      qmp[Symbol.dispose]();
    },
  };
}

/** Opens the new images, then points each device's raw node at its new file; the old nodes are closed. */
async function exchangeDrives(qmp: Qmp, { seedPath, disk }: Partial<OwnDrives>, generation: number): Promise<void> {
  const images = { seed: seedPath === undefined ? undefined : rawImage(seedPath), disk };
  const steps = (["seed", "disk"] as const).flatMap((name) => {
    const image = images[name];
    if (image === undefined) return [];
    const nodes = imageNodes(name, image, generation);
    const reopened = { options: [deviceNode(name, nodes.at(-1)?.["node-name"] ?? name)] };
    return [...nodes.map((node) => qmp.execute("blockdev-add", node)), qmp.execute("blockdev-reopen", reopened)];
  });
  // Sent at once; QEMU takes them in order.
  await Promise.all(steps);
}
