// Proves what each machine is started with, and without: its firmware by name, and under KVM no part of KVM that no guest needs.

import { expect, test } from "vitest";
import { wholeDisk, type DiskChain } from "../../../../src/disk/chain.js";
import type { MachineSpec } from "../../../../src/engine/engine.js";
import { qemuArguments, type Accelerator } from "../../../../src/engine/qemu/arguments.js";

const spec = {
  ...{ id: "vm_1", folder: "/f", socketFolder: "/s", basePath: "/image", seedPath: "/image" },
  ...({ disk: wholeDisk("/image"), vcpuCount: 1, memMib: 512, deadlineMs: 0, origin: { from: "boot" } } as const),
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

test("a disk's layers are opened lowest first, each over the one before; only the top is written", () => {
  const disk: DiskChain = {
    top: { path: "/d/top", format: "qcow2" },
    below: [
      { path: "/d/middle", format: "qcow2" },
      { path: "/d/formatted", format: "raw" },
    ],
    throwAway: true,
  };
  const nodes = valuesOf("-blockdev", "tcg", { disk })
    .map((text) => JSON.parse(text ?? "") as Record<string, unknown>)
    .filter((node) => String(node["node-name"]).startsWith("disk"))
    .map((node) => [
      node["node-name"],
      node["driver"],
      node["filename"] ?? node["file"],
      node["backing"],
      node["read-only"],
    ]);
  expect(nodes).toEqual([
    ["disk-0-layer0", "file", "/d/formatted", undefined, true],
    ["disk-0-layer1-file", "file", "/d/middle", undefined, true],
    ["disk-0-layer1", "qcow2", "disk-0-layer1-file", "disk-0-layer0", true],
    ["disk-0-file", "file", "/d/top", undefined, false],
    ["disk-0", "qcow2", "disk-0-file", "disk-0-layer1", false],
    ["disk", "raw", "disk-0", undefined, false],
  ]);
});
