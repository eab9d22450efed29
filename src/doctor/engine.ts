// Owns the checks of what machines run on: the engine that is used, KVM, emulation. Never measures them itself.
import { readFile } from "node:fs/promises";
import type { QemuVerdict } from "../engine/qemu/verdict.js";
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
      const { by } = await subject.wanted();
      const forced = by === "" ? "" : `, as wanted by ${by}`;
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
    const setting = (await readFile(hugePagesPath, "utf8").catch(() => "")).trim();
    return judgeHugePages({ kernelRelease: host.kernelRelease, setting, createMs: qemu.kvmSpeed?.create_vm_ms ?? 0 });
  },
};

export interface HugePages {
  readonly kernelRelease: string;
  /** `Y`, `N` or `never`; empty where the kernel has none. */
  readonly setting: string;
  /** Milliseconds that the probe took to make a machine. */
  readonly createMs: number;
}

/** Milliseconds from which making a machine is slow; without the worker of the mitigation it takes one or two. */
const slowCreateMs = 50;

/**
 * The setting is only kept for the next start of the host where the kernel has taken it: kernels that do not know `never`
 * read it as another value, or do not load KVM with it.
 */
const sparesWorker =
  `pyro daemon stop; echo never | sudo tee ${hugePagesPath} && grep -qx never ${hugePagesPath} && ` +
  "echo 'options kvm nx_huge_pages=never' | sudo tee /etc/modprobe.d/pyro-kvm.conf";

/** Undefined where machines are made at once, whatever the setting, or nobody knows what takes so long. */
export function judgeHugePages({ kernelRelease, setting, createMs }: HugePages): Diagnosis | undefined {
  if (setting === "" || setting === "never" || createMs < slowCreateMs) return undefined;
  const [major = 0, minor = 0] = kernelRelease.split(".").map(Number);
  const cost = `Making a machine takes ${describeMs(createMs)}, most of it for a thread of kvm.nx_huge_pages (${setting})`;
  if (major === 6 && minor >= 2 && minor <= 4) {
    const text = `${cost}, which the pool hides. Linux ${major}.${minor} has no safe way to do without it; 6.5 and newer have.`;
    return { severity: "info", text };
  }
  const price =
    setting === "N"
      ? "The mitigation is off here, so that never takes no protection away."
      : "never is faster, and takes the mitigation away: only where all guests are trusted not to crash the host.";
  return { severity: "info", text: `${cost}, which the pool hides. ${price}`, fix: sparesWorker };
}
