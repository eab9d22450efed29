// Proves what a machine is made of, from the command line that QEMU gets. Starts no machine.
import { expect, test } from "vitest";
import { wholeDisk } from "../../src/disk/chain.js";
import type { MachineSpec } from "../../src/engine/engine.js";
import { qemuArguments, type Accelerator } from "../../src/engine/qemu/arguments.js";

const spec: MachineSpec = {
  ...{
    id: "vm_1",
    folder: "/m",
    socketFolder: "/s",
    vcpuCount: 1,
    memMib: 512,
    deadlineMs: 0,
    origin: { from: "boot" },
  },
  ...{ basePath: "/base", seedPath: "/seed", disk: wholeDisk("/disk") },
};

function machine(accelerator: Accelerator) {
  const args = qemuArguments(spec, { accelerator, kernelPath: "/k", initramfsPath: "/i", tscKhz: 1 });
  const valuesOf = (flag: string) => args.flatMap((each, index) => (each === flag ? [args[index + 1] ?? ""] : []));
  return {
    flags: [...new Set(args.filter((each) => /^-[a-z]/u.test(each)))],
    devices: valuesOf("-device").map((each) => each.split(",")[0]),
    sandbox: valuesOf("-sandbox"),
    machine: valuesOf("-machine")[0]
      ?.split(",")
      .filter((each) => !each.startsWith("memory")),
  };
}

test("a machine has three drives, one virtio serial bus and a console, QEMU its filter, and there is no other device", () => {
  const common = {
    flags: [
      ...[
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "-name",
        "-sandbox",
        "-machine",
        "-accel",
        "-cpu",
        "-bios",
      ],
      ...["-smp", "-m", "-kernel", "-initrd", "-append", "-blockdev", "-device", "-chardev", "-serial", "-mon"],
    ],
    devices: ["virtio-blk-device", "virtio-blk-device", "virtio-blk-device", "virtio-serial-device", "virtserialport"],
    sandbox: ["on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
  };
  expect(machine("kvm")).toEqual({ ...common, machine: ["microvm", "pit=off", "pic=off", "rtc=off", "acpi=on"] });
  // Emulation has no clock of its own to give the guest: PIT, PIC and RTC stay.
  expect(machine("tcg")).toEqual({ ...common, machine: ["microvm", "acpi=on"] });
});
