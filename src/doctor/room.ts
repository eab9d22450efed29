// Owns the checks of room on disks and in memory, in numbers. Never frees any.
import { readFile, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { hasErrno } from "../base/error.js";
import type { Paths } from "../base/paths.js";
import { admit, savingBytes } from "../machine/admission.js";
import type { Check } from "./check.js";
import type { Diagnosis } from "./finding.js";
import { describeBytes } from "./size.js";

export interface DiskRoom {
  /** What pyro keeps on it. */
  readonly purposes: readonly string[];
  /** A folder on it. */
  readonly path: string;
  readonly freeBytes: number;
  /** State or cache lie on it: every run writes there. */
  readonly needed: boolean;
}

/** The disk of a run, the empty one that it starts from, and some air. */
const neededBytes = 16 * 1024 ** 2;
/** Room for an environment and the work of a day. */
const comfortableBytes = 3 * 1024 ** 3;

export const diskCheck: Check = {
  code: "disk",
  essential: true,
  run: async ({ paths }) => judgeDisks(await measureDisks(paths)),
};

async function measureDisks(paths: Paths): Promise<readonly DiskRoom[]> {
  const folders = [
    { purpose: "state", path: paths.state, needed: true },
    { purpose: "cache", path: paths.cache, needed: true },
    { purpose: "environments", path: paths.environments, needed: false },
  ];
  const disks = new Map<number, DiskRoom>();
  for (const { purpose, path, needed } of folders) {
    const existing = await nearestExisting(path);
    const { dev } = await stat(existing);
    const { bavail, bsize } = await statfs(existing);
    const known = disks.get(dev);
    const purposes = [...(known?.purposes ?? []), purpose];
    const freeBytes = bavail * bsize;
    disks.set(dev, { purposes, path: known?.path ?? path, freeBytes, needed: needed || known?.needed === true });
  }
  return [...disks.values()];
}

export function judgeDisks(disks: readonly DiskRoom[]): Diagnosis {
  const text = `${disks
    .map(({ freeBytes, purposes, path }) => `${describeBytes(freeBytes)} free for ${purposes.join(", ")} (${path})`)
    .join("; ")}.`;
  const needed = disks.filter((disk) => disk.needed);
  const under = (limit: number) => (disk: DiskRoom) => disk.freeBytes < limit;
  const full = needed.find(under(neededBytes));
  if (full !== undefined) {
    return { severity: "error", text: `${text} A run needs ${describeBytes(neededBytes)}.`, fix: freeRoom(full) };
  }
  const unsaved = needed.find(under(savingBytes));
  if (unsaved !== undefined) {
    return {
      severity: "warning",
      text: `${text} No machine can be saved, so each run boots one.`,
      fix: freeRoom(unsaved),
    };
  }
  const tight = disks.find(under(comfortableBytes));
  if (tight === undefined) return { severity: "ok", text };
  return { severity: "warning", text: `${text} That is little.`, fix: freeRoom(tight) };
}

function freeRoom({ path }: DiskRoom): string {
  return `Free room on the disk of ${path}; \`pyro env prune\` removes unused environments.`;
}

export const memoryCheck: Check = {
  code: "memory",
  essential: true,
  run: async ({ shape }) => {
    const text = await readFile("/proc/meminfo", "utf8");
    const amount = (name: string) =>
      describeBytes(1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "mu").exec(text)?.[1]));
    const numbers = `${amount("MemAvailable")} of ${amount("MemTotal")} available`;
    const refused = await admit(shape.memMib, []).then(
      () => false,
      () => true,
    );
    const needs = `A machine takes ${shape.memMib} MiB, and 1 GiB is left to the host.`;
    if (!refused) return { severity: "ok", text: `${numbers}. ${needs}` };
    return {
      severity: "error",
      text: `${numbers}, which is too little. ${needs}`,
      fix: "End other programs, or run with --mem-mib 256.",
    };
  },
};

async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await stat(folder);
      return folder;
    } catch (error) {
      if (folder === dirname(folder) || !isMissing(error)) throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  return hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR");
}
