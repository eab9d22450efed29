// Owns whether there is room for one more machine, in memory or saved on the disk. Never frees any.
import { readFile } from "node:fs/promises";
import { PyroError } from "../base/error.js";
import { requireRoom } from "../base/free-room.js";

/** MiB that are left to the host, whatever machines ask for. */
const reserveMib = 1024;

/**
 * Refuses a machine whose memory, with that of all others, would not fit what the host has available less 1 GiB.
 * What running machines already use is no longer available and is counted twice that way: on the safe side.
 */
export async function admit(memMib: number, others: readonly number[], available = availableMib): Promise<void> {
  const free = await available();
  const asked = others.reduce((sum, each) => sum + each, memMib);
  if (asked + reserveMib <= free) return;
  throw new PyroError(
    "resource_exhausted",
    `No room for a machine of ${memMib} MiB: ${others.length} others have ${asked - memMib} MiB, ` +
      `the host has ${free} MiB available and keeps ${reserveMib}.`,
    { hint: "Ask for less memory, or end other machines first.", details: { asked_mib: asked, available_mib: free } },
  );
}

/** A saved machine takes some 130 MiB, twice while it is made again. */
export const savingBytes = 300 * 1024 ** 2;

/** Refuses to save a machine where it would not fit: one that cannot write its memory dies without a word. */
export async function admitSaving(cache: string): Promise<void> {
  await requireRoom({ path: cache, bytes: savingBytes, what: "Saving a machine" });
}

async function availableMib(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8");
  const kib = /^MemAvailable:\s+(\d+) kB$/mu.exec(text)?.[1];
  return kib === undefined ? 0 : Math.floor(Number(kib) / 1024);
}
