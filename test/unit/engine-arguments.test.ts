// Proves what each machine is started with, and without: its firmware by name, and under KVM no part of KVM that no guest needs.

import { expect, test } from "vitest";
import type { MachineSpec } from "../../src/engine/engine.js";
import { qemuArguments, type Accelerator } from "../../src/engine/qemu/arguments.js";

const image = { path: "/image", format: "raw" } as const;
const spec = {
  ...{ id: "vm_1", folder: "/f", socketFolder: "/s", base: image, seed: image, disk: image },
  ...({ vcpuCount: 1, memMib: 512, deadlineMs: 0, memory: { from: "boot" } } as const),
};

/** The values of an option, in order. */
function valuesOf(option: string, accelerator: Accelerator, more: Partial<MachineSpec> = {}): (string | undefined)[] {
  const args = qemuArguments(
    { ...spec, ...more },
    { accelerator, kernelPath: "/k", initramfsPath: "/i", tscKhz: 2_300_000 },
  );
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1]] : []));
}

test("the firmware is named: what QEMU takes by itself hangs our kernel", () => {
  expect([valuesOf("-bios", "kvm"), valuesOf("-bios", "tcg")]).toEqual([["qboot.rom"], ["qboot.rom"]]);
});

test("a guest has neither nested virtualisation nor performance counters", () => {
  expect([valuesOf("-cpu", "kvm"), valuesOf("-cpu", "tcg")]).toEqual([
    ...[["host,-svm,-vmx,pmu=off"], ["max,-erms,-fsrm,-svm,pmu=off"]],
  ]);
});

test("the kernel says little, unless it is to say how far it is from its first moment on", () => {
  const lines = [false, true].map((talkative) => valuesOf("-append", "tcg", { talkative })[0]);
  expect(lines[0]).toMatch(/^console=ttyS0 loglevel=4 /u);
  expect(lines[1]).toMatch(/^console=ttyS0 earlyprintk=serial loglevel=7 /u);
  expect(lines[1]?.replace(" earlyprintk=serial loglevel=7", " loglevel=4")).toBe(lines[0]);
});
