// Owns QEMU's command line for a machine. Pure: never looks at the host.
import { join } from "node:path";
import type { DiskChain } from "../../disk/chain.js";
import type { MachineSpec, Origin, SavedFiles } from "../engine.js";
import { deviceNode, imageNodes, rawImage, type DriveName } from "./drives.js";

export type Accelerator = "kvm" | "tcg";

export interface QemuHost {
  readonly accelerator: Accelerator;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** Rate of the host's time stamp counter in kHz, which the guest would otherwise measure, and hang. */
  readonly tscKhz: number;
}

/** Bytes of guest console that QEMU keeps in memory. */
export const consoleBytes = 65_536;

/**
 * QEMU looks for it in its data folders. Unasked it takes SeaBIOS, which puts its tables where QEMU then loads the
 * initramfs: the kernel hangs without a word.
 */
export const firmwareName = "qboot.rom";

export const agentSocketName = "agent.sock";
export const qmpSocketName = "qmp.sock";

/** The whole argument list. Drives are named by serial in the guest: pyro-base, pyro-seed, pyro-disk. */
export function qemuArguments(spec: MachineSpec, host: QemuHost): string[] {
  const socket = (name: string) => escapeCommas(join(spec.socketFolder, name));
  return [
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-name",
    spec.id,
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    ...machineArguments(host.accelerator, savedFiles(spec.origin) !== undefined),
    "-bios",
    firmwareName,
    "-smp",
    String(spec.vcpuCount),
    "-m",
    `${spec.memMib}M`,
    ...memoryArguments(spec.origin, spec.memMib),
    "-kernel",
    host.kernelPath,
    "-initrd",
    host.initramfsPath,
    "-append",
    kernelCommandLine(spec, host),
    ...drive("base", rawImage(spec.basePath)),
    ...drive("seed", rawImage(spec.seedPath)),
    ...drive("disk", spec.disk),
    "-device",
    "virtio-serial-device",
    "-device",
    "virtserialport,chardev=agent,name=pyro.agent",
    "-chardev",
    `socket,id=agent,path=${socket(agentSocketName)},server=on,wait=off`,
    "-chardev",
    `ringbuf,id=console,size=${consoleBytes}`,
    "-serial",
    "chardev:console",
    "-chardev",
    `socket,id=qmp,path=${socket(qmpSocketName)},server=on,wait=off`,
    "-mon",
    "chardev=qmp,mode=control",
  ];
}

function machineArguments(accelerator: Accelerator, memoryInFile: boolean): string[] {
  const memory = memoryInFile ? ",memory-backend=ram" : "";
  // Nested virtualisation and performance counters are where most ways out of KVM were found; no guest needs them.
  if (accelerator === "kvm") {
    const machine = `microvm,pit=off,pic=off,rtc=off,acpi=on${memory}`;
    return ["-machine", machine, "-accel", "kvm", "-cpu", "host,-svm,-vmx,pmu=off"];
  }
  // ERMS and FSRM make emulation copy byte by byte; the translation buffer defaults to 1 GiB.
  return ["-machine", `microvm,acpi=on${memory}`, "-accel", "tcg,tb-size=64", "-cpu", "max,-erms,-fsrm,-svm,pmu=off"];
}

function savedFiles(origin: Origin): SavedFiles | undefined {
  return origin.from === "saved" ? origin.files : origin.saveAs;
}

function memoryArguments(origin: Origin, memMib: number): string[] {
  const files = savedFiles(origin);
  if (files === undefined) return [];
  const saved = origin.from === "saved";
  const backend = {
    "qom-type": "memory-backend-file",
    id: "ram",
    size: memMib * 1024 * 1024,
    "mem-path": files.memoryPath,
    share: !saved,
  };
  return ["-object", JSON.stringify(backend), ...(saved ? ["-S", "-incoming", "defer"] : [])];
}

function kernelCommandLine({ talkative }: MachineSpec, host: QemuHost): string {
  const common = [
    talkative === true ? "console=ttyS0 earlyprintk=serial loglevel=7" : "console=ttyS0 loglevel=4",
    "reboot=t panic=-1",
    "mitigations=off lsm= audit=0 cryptomgr.notests rcupdate.rcu_expedited=1",
  ];
  // Without address randomisation the translated code is found again; the boundary is the machine, not this.
  const emulated = [`tsc_early_khz=${host.tscKhz} tsc=reliable`, "norandmaps"];
  return [...common, ...(host.accelerator === "tcg" ? emulated : [])].join(" ");
}

function drive(name: DriveName, image: DiskChain): string[] {
  const nodes = imageNodes(name, image, 0);
  const top = nodes.at(-1)?.["node-name"] ?? name;
  return [
    ...[...nodes, deviceNode(name, top)].flatMap((node) => ["-blockdev", JSON.stringify(node)]),
    "-device",
    `virtio-blk-device,drive=${name},serial=pyro-${name}`,
  ];
}

function escapeCommas(path: string): string {
  return path.replaceAll(",", ",,");
}
