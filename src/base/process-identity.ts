// Owns telling whether a process is still the one that was recorded, not a later one of the same number. Never ends it.
import { readFile, readlink } from "node:fs/promises";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which it started, from /proc/PID/stat. */
  readonly startTicks: number;
}

/** The process of this number as it is now; undefined when there is none. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name, in parentheses, may hold anything; the state and 18 more fields stand between it and the start.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields === undefined || fields[0] === "Z") return undefined;
  const startTicks = Number(fields[19]);
  return Number.isSafeInteger(startTicks) ? { pid, startTicks } : undefined;
}

/**
 * Where process numbers mean what they mean here: this boot of the host, and in it this namespace of processes. Two containers
 * that share a folder give the same number to different processes, and neither sees the other's.
 */
export interface ProcessWorld {
  readonly bootId: string;
  readonly namespace: string;
}

export async function processWorld(): Promise<ProcessWorld> {
  const [bootId, namespace] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    readlink("/proc/self/ns/pid"),
  ]);
  return { bootId: bootId.trim(), namespace };
}

export async function isSameProcess(recorded: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(recorded.pid))?.startTicks === recorded.startTicks;
}
