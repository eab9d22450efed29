// Proves what each machine is started with, and without: its firmware by name, and under KVM no part of KVM that no guest needs.

import { expect, test } from "vitest";
import { qemuArguments, type Accelerator } from "../../src/engine/qemu/arguments.js";

const image = { path: "/image", format: "raw" } as const;
const spec = {
  ...{ id: "vm_1", folder: "/f", socketFolder: "/s", base: image, seed: image, disk: image },
  ...({ vcpuCount: 1, memMib: 512, deadlineMs: 0, memory: { from: "boot" } } as const),
};

/** The values of an option, in order. */
function valuesOf(option: string, accelerator: Accelerator): (string | undefined)[] {
  const args = qemuArguments(spec, { accelerator, kernelPath: "/k", initramfsPath: "/i", tscKhz: 2_300_000 });
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1]] : []));
}

test("the firmware is named: what QEMU takes by itself hangs our kernel", () => {
  expect([valuesOf("-bios", "kvm"), valuesOf("-bios", "tcg")]).toEqual([["qboot.rom"], ["qboot.rom"]]);
});

test("under KVM a guest has neither nested virtualisation nor performance counters", () => {
  expect(valuesOf("-cpu", "kvm")).toEqual(["host,-svm,-vmx,pmu=off"]);
});
