// Owns what a verdict about this host depends on. Never measures speed.
import { constants } from "node:fs";
import { access, readFile, readdir, stat } from "node:fs/promises";
import { release } from "node:os";
import * as z from "zod";
import { hasErrno } from "../../base/error.js";
import { lookUpProgram, systemPath } from "../../base/host-program.js";
import { runProgram } from "../../base/spawn.js";
import { findFirmware, type Firmware } from "./firmware.js";

export const qemuProgram = z.strictObject({
  /** Absolute. */
  path: z.string(),
  size: z.int(),
  mtimeMs: z.number(),
  /** As QEMU says it, such as `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`. */
  version: z.string(),
});
export type QemuProgram = z.output<typeof qemuProgram>;

export interface Host {
  readonly kernelRelease: string;
  readonly cpuModel: string;
  /** Text that changes with what the processor offers a machine under KVM. */
  readonly cpuFeatures: string;
  /** Another one after each start of the host. */
  readonly bootId: string;
  /** Undefined when it is not installed. */
  readonly qemu: QemuProgram | undefined;
  /** Undefined when that QEMU finds none, or is not there. */
  readonly firmware: Firmware | undefined;
  /** What this user may do with /dev/kvm. */
  readonly kvmDevice: KvmDevice;
}

export type KvmDevice = "absent" | "denied" | "open";

const versionTimeoutMs = 10_000;

/** Looks at the host. `known` spares asking a QEMU for its version that was asked before. */
export async function inspectHost(known: QemuProgram | undefined, signal: AbortSignal): Promise<Host> {
  const [cpuinfo, mitigations, bootId, path, kvmDevice] = await Promise.all([
    readFile("/proc/cpuinfo", "utf8").catch(() => ""),
    readMitigations(),
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    lookUpProgram("qemu-system-x86_64"),
    findKvmDevice(),
  ]);
  const [qemu, firmware] =
    path === undefined ? [] : await Promise.all([describeQemu(path, known, signal), findFirmware(path, signal)]);
  return {
    kernelRelease: release(),
    cpuModel: cpuModel(cpuinfo),
    cpuFeatures: cpuFeatures(cpuinfo, mitigations),
    bootId: bootId.trim(),
    qemu,
    firmware,
    kvmDevice,
  };
}

/** Such as `Intel(R) Xeon(R) Processor (GenuineIntel 6/207/2)`, from /proc/cpuinfo. */
export function cpuModel(cpuinfo: string): string {
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "mu").exec(cpuinfo)?.[1]?.trim() ?? "unknown";
  const numbers = ["cpu family", "model", "stepping"].map(field).join("/");
  return `${field("model name")} (${field("vendor_id")} ${numbers})`;
}

/**
 * Flags, faults and microcode of the first processor, and how the kernel answers each fault: a machine that was saved
 * under KVM relies on all that it saw of them. Of the answers only the first part counts, and nothing of itlb_multihit:
 * the rest follows what runs at the moment.
 */
export function cpuFeatures(cpuinfo: string, mitigations: Readonly<Record<string, string>>): string {
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "mu").exec(cpuinfo)?.[1]?.trim() ?? "";
  const answers = Object.entries(mitigations)
    .filter(([fault]) => fault !== "itlb_multihit")
    .map(([fault, answer]) => `${fault}: ${answer.split(";")[0]?.trim() ?? ""}`);
  return [...["flags", "bugs", "microcode"].map(field), ...answers.sort()].join("\n");
}

const mitigationFolder = "/sys/devices/system/cpu/vulnerabilities";

async function readMitigations(): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(mitigationFolder).catch(() => []);
  const read = async (name: string) => [name, await readFile(`${mitigationFolder}/${name}`, "utf8").catch(() => "")];
  return Object.fromEntries(await Promise.all(names.map(read))) as Readonly<Record<string, string>>;
}

async function describeQemu(path: string, known: QemuProgram | undefined, signal: AbortSignal): Promise<QemuProgram> {
  const { size, mtimeMs } = await stat(path);
  if (known?.path === path && known.size === size && known.mtimeMs === mtimeMs) return known;
  const { stdout } = await runProgram(path, ["--version"], {
    signal,
    env: { PATH: systemPath, LC_ALL: "C" },
    timeoutMs: versionTimeoutMs,
  });
  const version = /version (.+)/u.exec(stdout)?.[1]?.trim() ?? "unknown";
  return { path, size, mtimeMs, version };
}

async function findKvmDevice(): Promise<KvmDevice> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
    return "open";
  } catch (error) {
    return hasErrno(error, "ENOENT") ? "absent" : "denied";
  }
}
