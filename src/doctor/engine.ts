// Owns the checks of what machines run on: the engine that is used, KVM, emulation. Never measures them itself.
import { readFile } from "node:fs/promises";
import type { QemuVerdict } from "../engine/verdict.js";
import { failure, type Check } from "./check.js";
import type { Diagnosis } from "./finding.js";
import { describeMs, describeTime } from "./size.js";
import type { Subject } from "./subject.js";

/** Milliseconds for measuring the host, the boot that proves KVM included. */
const verdictTimeoutMs = 20_000;
/** Milliseconds for that and the boot under emulation. */
const tcgTimeoutMs = 80_000;

const slower = "Machines run under software emulation, which computes 4 to 17 times slower.";

export const engineCheck: Check = {
  code: "engine",
  timeoutMs: verdictTimeoutMs,
  essential: true,
  run: async (subject) => {
    try {
      const forced = (await subject.choice()) === "auto" ? "" : ", as PYRO_ENGINE or the setting engine wants it";
      const { accelerator } = await subject.engine();
      const { host } = await subject.verdict();
      const name = accelerator === "kvm" ? "KVM" : "software emulation";
      return {
        severity: "ok",
        text: `QEMU ${host.qemu?.version ?? ""} with ${name}${forced}, firmware ${host.firmware?.path ?? ""}.`,
      };
    } catch (error) {
      return failure("error", error);
    }
  },
};

export const kvmCheck: Check = {
  code: "kvm",
  timeoutMs: verdictTimeoutMs,
  essential: false,
  run: async (subject) => {
    const { qemu } = await subject.verdict();
    return qemu === undefined ? notTried : judgeKvm(qemu.kvm);
  },
};

const notTried: Diagnosis = { severity: "info", text: "Not tried: there is no QEMU to try it with, or not all of it." };

/** Causes that a person can remove; the others are what the host is. */
const removable: readonly string[] = ["no_permission", "no_device", "busy"];

export function judgeKvm(kvm: QemuVerdict["kvm"]): Diagnosis {
  const measured = `measured ${describeTime(kvm.checked_at)}`;
  if (kvm.usable) {
    const boot = kvm.boot_ms === null ? "" : `, booted our kernel in ${describeMs(kvm.boot_ms)}`;
    return { severity: "ok", text: `Fast: its loop took ${describeMs(kvm.loop_us / 1000)}${boot} (${measured}).` };
  }
  const severity = kvm.fix !== "" && removable.includes(kvm.cause) ? "warning" : "info";
  const text = `Not used: ${kvm.reason} (${measured}). ${slower}`;
  return { severity, text, ...(kvm.fix === "" ? {} : { fix: kvm.fix }) };
}

export const tcgCheck: Check = {
  code: "tcg",
  inFolders: true,
  timeoutMs: tcgTimeoutMs,
  essential: false,
  run: async (subject, task) => {
    const { qemu } = await subject.verdict();
    if (qemu === undefined) return notTried;
    const used = await isUsed(subject);
    try {
      task.progress({ phase: "emulation", message: "Booting a machine under software emulation" });
      const { boot_ms, checked_at } = await subject.proveTcg(qemu);
      const text = `Works: it booted our kernel in ${describeMs(boot_ms)} (measured ${describeTime(checked_at)}).`;
      return { severity: "ok", text };
    } catch (error) {
      task.signal.throwIfAborted();
      return failure(used ? "error" : "warning", error, "It did not boot our kernel: ");
    }
  },
};

async function isUsed(subject: Subject): Promise<boolean> {
  return subject.engine().then(
    ({ accelerator }) => accelerator === "tcg",
    () => true,
  );
}

const hugePagesPath = "/sys/module/kvm/parameters/nx_huge_pages";

export const hugePagesCheck: Check = {
  code: "huge_pages",
  timeoutMs: verdictTimeoutMs,
  essential: false,
  run: async (subject) => {
    const { host, qemu } = await subject.verdict();
    if (qemu?.kvm.usable !== true) return undefined;
    const setting = await readFile(hugePagesPath, "utf8").catch(() => "");
    return judgeHugePages(host.kernelRelease, setting.trim());
  },
};

/** The setting, where the kernel has one; kernels before 6.1 do not pay for it when a machine is made. */
export function judgeHugePages(kernelRelease: string, setting: string): Diagnosis | undefined {
  const [major = 0, minor = 0] = kernelRelease.split(".").map(Number);
  if (setting === "" || major < 6 || (major === 6 && minor < 1)) return undefined;
  if (setting === "never") return { severity: "ok", text: "kvm.nx_huge_pages is never: machines are made at once." };
  return {
    severity: "info",
    text:
      `kvm.nx_huge_pages is ${setting}: making a machine takes 90 to 210 ms longer, which the pool hides. ` +
      "Where all guests are trusted not to crash the host, never is faster.",
    fix: "echo 'options kvm nx_huge_pages=never' | sudo tee /etc/modprobe.d/pyro-kvm.conf, then restart the host",
  };
}
