// Owns describing the machine that was measured, without naming it. Never measures.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

export interface HostDescription {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly hypervisor: boolean;
  readonly node: string;
  readonly qemu: string;
  readonly accelerator: string;
  /** Over the last minute, before the first measurement. */
  readonly load_at_start: number;
}

/** More runnable programs than this before the start, for each core, and figures are not to be trusted. */
const quietLoadPerCore = 0.3;

export function describeHost(accelerator: string, qemuProgram: string): HostDescription {
  const all = cpus();
  const qemu = execFileSync(qemuProgram, ["--version"], { encoding: "utf8" });
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memory_gib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    hypervisor: / hypervisor /u.test(readFileSync("/proc/cpuinfo", "utf8")),
    node: process.version,
    qemu: /version (\S+(?: \([^)]*\))?)/u.exec(qemu)?.[1] ?? "unknown",
    accelerator,
    load_at_start: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

export function warningsAbout({ load_at_start, cores }: HostDescription): string[] {
  if (load_at_start <= quietLoadPerCore * cores) return [];
  return [`The host was busy (load ${load_at_start} on ${cores} cores): figures are too high, ratios roughly right.`];
}
