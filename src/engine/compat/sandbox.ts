// Owns a sandbox on the host, for where no virtual machine runs: its root, its process, its channel. Never a strong boundary.
import { chmod } from "node:fs/promises";
import { PyroError } from "../../base/error.js";
import { findProgram } from "../../base/host-program.js";
import { call, say } from "../../base/say.js";
import { stageDone } from "../../base/stage.js";
import type { Machine, MachineSpec } from "../engine.js";
import { supervise, type Supervised } from "../supervisor.js";
import { compatName, rootPath, sandboxArguments, unpackArguments } from "./arguments.js";

export interface SandboxSpec extends Pick<MachineSpec, "id" | "folder" | "socketFolder" | "deadlineMs"> {
  /** The environment's squashfs. */
  readonly imagePath: string;
  /** The static binary with agent and supervisor. */
  readonly agentPath: string;
  readonly hostname: string;
}

/** Rejects, with what to install, where the programs are missing that a sandbox needs. */
export async function findSandboxPrograms(): Promise<{ readonly bwrap: string; readonly unsquashfs: string }> {
  return { bwrap: await findProgram("bwrap"), unsquashfs: await findProgram("unsquashfs") };
}

/** Unpacks the root, then starts the agent in it; returns before it answers. */
export async function startSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<Machine> {
  const { bwrap, unsquashfs } = await findSandboxPrograms();
  const supervised = {
    program: bwrap,
    agentPath: spec.agentPath,
    folder: spec.folder,
    remove: [spec.folder, spec.socketFolder],
    deadlineMs: spec.deadlineMs,
  };
  const args = unpackArguments(spec, spec.imagePath, unsquashfs);
  await finish(await supervise({ ...supervised, args }, signal), signal);
  await chmod(rootPath(spec), 0o755);
  stageDone(spec.id, "root unpacked");
  const sandbox = { ...supervised, args: sandboxArguments(spec), withChannel: true };
  return sandboxMachine(spec.id, await supervise(sandbox, signal));
}

/** Also under a supervisor: whatever becomes of us, neither the program nor half a root stays. */
async function finish(unpacking: Supervised, signal: AbortSignal): Promise<void> {
  const stop = () => void unpacking.kill();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const exit = await unpacking.exited;
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (exit.exitCode !== 0) throw sandboxFailure(exit.reason);
}

/** It broke before the command ran; what bwrap says of it is the best there is. */
export function sandboxFailure(reason: string): PyroError {
  return new PyroError("unavailable", `The sandbox did not start: ${reason}`, {
    hint: say`${call("doctor")} says under Sandbox whether this host allows one.`,
  });
}

function sandboxMachine(id: string, { pid, channel, exited, extend, kill }: Supervised): Machine {
  const refuse = () => Promise.reject(new PyroError("unsupported", "A sandbox without a machine cannot do that."));
  const never = new AbortController().signal;
  return {
    id,
    pid,
    engine: compatName,
    accelerator: "none",
    exited,
    extend,
    kill,
    channel: () =>
      channel === undefined ? Promise.reject(sandboxFailure("it has no channel")) : Promise.resolve(channel),
    pause: refuse,
    resume: refuse,
    attach: refuse,
    save: refuse,
    consoleTail: () => Promise.resolve(""),
    detach: () => undefined,
    pausedReason: () => undefined,
    stalled: () => never,
  };
}
