// Owns the proof that an engine boots our kernel: a machine with empty drives that only has to say hello. Never mounts anything.
import { open, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PyroError } from "../base/error.js";
import { newId } from "../base/id.js";
import { wholeDisk } from "../disk/chain.js";
import type { Engine } from "../engine/engine.js";
import { bootMachine } from "./boot.js";
import { machineHome, makeHome, removeHome, type MachineFolders } from "./machine-files.js";

export interface BootProof {
  readonly engine: Engine;
  readonly folders: Pick<MachineFolders, "cache" | "sockets">;
  /** Milliseconds until the agent must have answered. */
  readonly timeoutMs: number;
}

/** Enough for kernel and agent. */
const memMib = 512;
const imageBytes = 1024 ** 2;
/** Milliseconds beyond its time at which the machine is removed, whatever happens here. */
const graceMs = 10_000;

/** Milliseconds at least for a second boot. */
const secondMs = 5000;

/**
 * Resolves with the milliseconds until the agent answered; rejects as a boot does. One that never answers is booted once
 * more, for a third of the time, with a kernel that says how far it is. Leaves nothing behind.
 */
export async function proveBoot(proof: BootProof, signal: AbortSignal): Promise<number> {
  try {
    return await bootOnce({ ...proof, talkative: false }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PyroError) || error.code !== "deadline_exceeded") throw error;
    const timeoutMs = Math.max(proof.timeoutMs / 3, secondMs);
    return bootOnce({ ...proof, timeoutMs, talkative: true }, signal);
  }
}

async function bootOnce(
  { engine, folders, timeoutMs, talkative }: BootProof & { readonly talkative: boolean },
  signal: AbortSignal,
): Promise<number> {
  // Apart from the daemon's machines, whose folders it tidies up.
  const probes = { state: join(folders.cache, "probes"), sockets: join(folders.sockets, "p"), cache: folders.cache };
  const home = machineHome(probes, newId("vm"));
  await makeHome(home);
  try {
    const empty = await emptyImage(join(home.folder, "empty.img"));
    const spec = {
      ...home,
      basePath: empty,
      seedPath: empty,
      disk: wholeDisk(await emptyImage(join(home.folder, "disk.img"))),
      vcpuCount: 1,
      memMib,
      talkative,
      deadlineMs: Date.now() + timeoutMs + graceMs,
      origin: { from: "boot" },
    } as const;
    const started = performance.now();
    const { machine, session } = await bootMachine({ engine, spec, timeoutMs }, signal);
    const took = performance.now() - started;
    session[Symbol.dispose]();
    await machine.kill();
    return Math.round(took);
  } finally {
    await removeHome(home);
    await removeEmpty([dirname(home.folder), probes.state, dirname(home.socketFolder), probes.sockets]);
  }
}

/** Another proof may be using them. */
async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => undefined);
}

async function emptyImage(path: string): Promise<string> {
  await using file = await open(path, "wx", 0o600);
  await file.truncate(imageBytes);
  return path;
}
