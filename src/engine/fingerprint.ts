// Owns the text by which a saved machine is known to fit this host, and what differs between two of them. Never measures.
import { createHash } from "node:crypto";
import * as z from "zod";
import type { Firmware } from "./firmware.js";
import type { MachineSpec } from "./engine.js";
import { qemuArguments, type Accelerator } from "./qemu/arguments.js";
import type { QemuProgram } from "./verdict-host.js";

export interface FingerprintFacts {
  readonly accelerator: Accelerator;
  readonly qemu: QemuProgram;
  readonly firmware: Firmware;
  readonly cpuModel: string;
  /** What else a machine under KVM has of the host. */
  readonly cpuFeatures: string;
  readonly kernelRelease: string;
  readonly tscKhz: number;
  /** Text that changes with the agent, the kernel and the initramfs. */
  readonly runtime: string;
}

const parts = z.record(z.string(), z.string());

const words: Readonly<Record<string, string>> = {
  accelerator: "the accelerator",
  arguments: "pyro's own machine settings",
  cpu: "the processor model",
  features: "the processor's flags, microcode or mitigations",
  firmware: "the machine's firmware",
  kernel: "the host's kernel",
  qemu: "the QEMU build",
  runtime: "the guest kernel or agent",
  tsc: "the processor's clock rate",
};

/** One line of JSON; equal for two hosts exactly when a machine saved on one may be restored on the other. */
export function engineFingerprint(facts: FingerprintFacts): string {
  const { path, size, mtimeMs, version } = facts.qemu;
  // Emulation gives each host's machines the same processor.
  const underKvm = { features: digest(facts.cpuFeatures), kernel: facts.kernelRelease };
  return JSON.stringify({
    accelerator: facts.accelerator,
    arguments: digest(JSON.stringify(sampleArguments(facts.accelerator))),
    cpu: facts.cpuModel,
    firmware: facts.firmware.sha256.slice(0, 12),
    qemu: `${version} ${digest(JSON.stringify([path, size, mtimeMs]))}`,
    runtime: digest(facts.runtime),
    tsc: String(facts.tscKhz),
    ...(facts.accelerator === "kvm" ? underKvm : {}),
  } satisfies Record<keyof typeof words, string>);
}

/** What changed from one fingerprint to another, in words for a person; something unknown when either cannot be read. */
export function fingerprintChanges(before: string, now: string): readonly string[] {
  const [old, current] = [readParts(before), readParts(now)];
  const changed = Object.keys(words).filter((name) => old[name] !== current[name]);
  if (changed.length === 0 && before !== now) return ["the engine"];
  return changed.map((name) => words[name] ?? name);
}

/** Whether both are of one accelerator; so when either cannot be read. */
export function isSameAccelerator(one: string, other: string): boolean {
  const [first, second] = [readParts(one)["accelerator"], readParts(other)["accelerator"]];
  return first === undefined || second === undefined || first === second;
}

/** The argument list of a made-up machine: it changes whenever the code that makes argument lists does. */
function sampleArguments(accelerator: Accelerator): string[][] {
  const host = { accelerator, kernelPath: "kernel", initramfsPath: "initramfs", tscKhz: 0 };
  const disk = {
    top: { path: "disk", format: "qcow2" },
    below: [{ path: "image", format: "raw" }],
    throwAway: true,
  } as const;
  const machine = {
    ...{ id: "sample", folder: "folder", socketFolder: "sockets", deadlineMs: 0 },
    ...{ basePath: "image", seedPath: "image", disk, vcpuCount: 1, memMib: 1024 },
  } satisfies Omit<MachineSpec, "origin">;
  const files = { memoryPath: "memory", statePath: "state" };
  return [
    qemuArguments({ ...machine, origin: { from: "boot", saveAs: files } }, host),
    qemuArguments({ ...machine, origin: { from: "saved", files } }, host),
  ];
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function readParts(text: string): Readonly<Record<string, string | undefined>> {
  try {
    return parts.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
