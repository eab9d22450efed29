// Owns the process of an emulated host: a QEMU that emulates an AMD processor with SVM, whose clock counts instructions, so that
// everything inside appears quick. Ends it by its process id. Never knows what runs inside.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** The kernel's unit for a process's times. */
const TICKS_PER_SECOND = 100;

/**
 * @param {{image: string, kernel: string, initrd: string, payload: string, share: string, scratch: string}} parts
 *   `scratch` is a folder for what the host writes to its disk, which is thrown away
 * @param {(chunk: Buffer) => void} onOutput the console, and what the emulator itself says
 */
export function startEmulator({ scratch, ...parts }, onOutput) {
  // It ends with this process, however this one ends.
  const command = ["setpriv", "--pdeathsig", "KILL", "nice", "-n", "10", "qemu-system-x86_64", ...qemuArguments(parts)];
  const child = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: scratch },
  });
  let isOver = false;
  const ended = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("close", resolve);
  }).then(() => (isOver = true));
  for (const stream of [child.stdout, child.stderr]) stream.on("data", onOutput);
  return {
    isOver: () => isOver,
    cpuSeconds: () => cpuSeconds(child.pid),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Seconds of processor time that a process has used; 0 once it is gone. */
function cpuSeconds(pid) {
  try {
    const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    const [user = 0, system = 0] = fields.split(" ").slice(11, 13).map(Number);
    return (user + system) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

function qemuArguments({ image, kernel, initrd, payload, share }) {
  return [
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ...["-machine", "q35", "-accel", "tcg,tb-size=512", "-cpu", "EPYC,+svm,+npt", "-smp", "1", "-m", "4096"],
    // One virtual nanosecond for each instruction; what only waits goes by real time.
    ...["-icount", "shift=0,sleep=on", "-rtc", "clock=vm"],
    ...["-kernel", kernel, "-initrd", initrd],
    ...["-append", "root=/dev/vda rw console=ttyS0 mitigations=off audit=0 loglevel=4 systemd.show_status=false"],
    ...["-drive", `file=${image},if=virtio,format=raw,snapshot=on`],
    ...["-drive", `file=${payload},if=virtio,format=raw,readonly=on`],
    ...["-virtfs", `local,path=${share},mount_tag=share,security_model=none`],
  ];
}
