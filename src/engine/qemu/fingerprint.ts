// Owns what a saved QEMU machine depends on, as a text that changes with it. Never measures.
import { createHash } from "node:crypto";
import type { MachineSpec } from "../engine.js";
import type { Firmware } from "./firmware.js";
import { fingerprintOf } from "../fingerprint.js";
import type { QemuProgram } from "./verdict-host.js";
import { qemuArguments, type Accelerator } from "./arguments.js";

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

export function engineFingerprint(facts: FingerprintFacts): string {
  const { path, size, mtimeMs, version } = facts.qemu;
  // Emulation gives each host's machines the same processor.
  const underKvm = { features: digest(facts.cpuFeatures), kernel: facts.kernelRelease };
  return fingerprintOf({
    accelerator: facts.accelerator,
    arguments: digest(JSON.stringify(sampleArguments(facts.accelerator))),
    cpu: facts.cpuModel,
    firmware: facts.firmware.sha256.slice(0, 12),
    qemu: `${version} ${digest(JSON.stringify([path, size, mtimeMs]))}`,
    runtime: digest(facts.runtime),
    tsc: String(facts.tscKhz),
    ...(facts.accelerator === "kvm" ? underKvm : {}),
  });
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
    id: "sample",
    folder: "folder",
    socketFolder: "sockets",
    deadlineMs: 0,
    basePath: "image",
    seedPath: "image",
    disk,
    vcpuCount: 1,
    memMib: 1024,
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
