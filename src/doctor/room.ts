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
    const [meminfo, overcommit] = await Promise.all([
      readFile("/proc/meminfo", "utf8"),
      readFile("/proc/sys/vm/overcommit_memory", "utf8").catch(() => ""),
    ]);
    const admitted = await admit(shape.memMib, []).then(
      () => true,
      () => false,
    );
    return judgeMemory({ meminfo, overcommit: overcommit.trim(), memMib: shape.memMib, admitted });
  },
};

export interface MemoryRoom {
  /** The text of /proc/meminfo. */
  readonly meminfo: string;
  /** vm.overcommit_memory. */
  readonly overcommit: string;
  /** Of a machine. */
  readonly memMib: number;
  /** One of that size would be started now. */
  readonly admitted: boolean;
}

/** Bytes beside a machine's memory that QEMU asks the kernel for: its cache of translated code, stacks, buffers. */
const qemuReserve = 1024 ** 3;

export function judgeMemory({ meminfo, overcommit, memMib, admitted }: MemoryRoom): Diagnosis {
  const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "mu").exec(meminfo)?.[1]);
  const numbers = `${describeBytes(bytes("MemAvailable"))} of ${describeBytes(bytes("MemTotal"))} available`;
  const needs = `A machine takes ${memMib} MiB, and 1 GiB is left to the host.`;
  if (!admitted) {
    return {
      severity: "error",
      text: `${numbers}, which is too little. ${needs}`,
      fix: "End other programs, or run with --mem-mib 256.",
    };
  }
  const promised = bytes("CommitLimit") - bytes("Committed_AS");
  if (overcommit !== "2") return { severity: "ok", text: `${numbers}. ${needs}` };
  const strict = `vm.overcommit_memory is 2: the kernel counts a machine's memory in full from its start, and has ${describeBytes(Math.max(0, promised))} left to promise`;
  if (promised >= memMib * 1024 ** 2 + qemuReserve) return { severity: "ok", text: `${numbers}. ${needs} ${strict}.` };
  return {
    severity: "warning",
    text: `${numbers}. ${needs} ${strict}, so that QEMU may be refused.`,
    fix: "sudo sysctl -w vm.overcommit_memory=0 (or raise vm.overcommit_ratio)",
  };
}

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
