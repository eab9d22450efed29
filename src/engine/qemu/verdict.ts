// Owns what is known about this host: measured once, kept in a file, measured again when its ground has changed. Never chooses.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Engine } from "../engine.js";
import { engineFingerprint, type FingerprintFacts } from "./fingerprint.js";
import type { Accelerator } from "./arguments.js";
import { qemuEngine } from "./qemu.js";
import { readVerdicts, writeVerdicts, type KvmMeasurement } from "./verdict-file.js";
import { inspectHost, type Host, type QemuProgram } from "./verdict-host.js";
import { holds, measureKvm, measureKvmSpeed, type KvmSpeed } from "./verdict-kvm.js";
import { currentTsc, measureTsc } from "./verdict-tsc.js";

export interface EngineFiles {
  readonly agentPath: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** Text that changes with any of them. */
  readonly fingerprint: string;
}

/** Boots our kernel on the engine; resolves with the milliseconds until its agent answered. */
export type ProveBoot = (engine: Engine, limit: { readonly timeoutMs: number }, signal: AbortSignal) => Promise<number>;

/** `speed`: KVM's probe, which takes 2 to 40 ms; `kvm`: that and the boot that proves it; `all`: everything. */
export type Again = "speed" | "kvm" | "all";

export interface VerdictOptions {
  readonly files: EngineFiles;
  /** Folder of the file in which verdicts are kept. */
  readonly cache: string;
  readonly proveBoot: ProveBoot;
  /** What is measured although it is known; nothing when absent. */
  readonly again?: Again;
  readonly inspect?: typeof inspectHost;
  readonly clock?: () => Date;
}

export interface HostVerdict {
  readonly host: Host;
  /** Undefined where there is no QEMU, or it has not the firmware that our machines need. */
  readonly qemu: QemuVerdict | undefined;
}

export interface QemuVerdict {
  readonly program: QemuProgram;
  /** One for each accelerator, whether it is of use here or not. */
  readonly engines: Readonly<Record<Accelerator, Engine>>;
  readonly kvm: KvmMeasurement;
  /** What the probe has just said; undefined where what is known was enough. */
  readonly kvmSpeed: KvmSpeed | undefined;
}

/** A boot under emulation that has been seen to work. */
export interface ProvenBoot {
  readonly boot_ms: number;
  /** RFC 3339. */
  readonly checked_at: string;
}

/** Milliseconds that the proving boot may take under KVM; where KVM is real it takes a fraction of a second. */
const kvmBootTimeoutMs = 10_000;
/** Likewise under emulation, on a busy machine. */
const tcgBootTimeoutMs = 45_000;

export async function judgeHost(options: VerdictOptions, signal: AbortSignal): Promise<HostVerdict> {
  const { files, cache, again, inspect = inspectHost, clock = () => new Date() } = options;
  const known = await readVerdicts(cache);
  const host = await inspect(known.qemu ?? undefined, signal);
  const { qemu: program, firmware } = host;
  if (program === undefined || firmware === undefined) return { host, qemu: undefined };
  // A rate that is measured again is still held against the recorded one.
  const knownTsc = again === "all" && known.tsc !== null ? { ...known.tsc, boot_id: "" } : known.tsc;
  const tsc = await currentTsc(knownTsc, host, () => measureTsc(files.agentPath, signal));
  const engines = openEngines(files, { ...host, qemu: program, firmware, tscKhz: tsc.khz });
  const key = digest([host.kernelRelease, host.kvmDevice, engines.kvm.fingerprint]);
  const probe = {
    speed: (until: AbortSignal) => measureKvmSpeed(files.agentPath, until),
    boot: (until: AbortSignal) => options.proveBoot(engines.kvm, { timeoutMs: kvmBootTimeoutMs }, until),
  };
  const circumstances = { key, host, now: clock() };
  const held = again !== "all" && again !== "kvm" && holds(known.kvm, circumstances) ? known.kvm : undefined;
  const { kvm, speed } =
    held !== undefined && again === undefined
      ? { kvm: held, speed: undefined }
      : await measureKvm(probe, { ...circumstances, ...(held === undefined ? {} : { known: held }) }, signal);
  const measured = { qemu: program, tsc, kvm };
  if (!isDeepStrictEqual(measured, { qemu: known.qemu, tsc: known.tsc, kvm: known.kvm })) {
    await writeVerdicts(cache, measured);
  }
  return { host, qemu: { program, engines, kvm, kvmSpeed: speed } };
}

/** Whether emulation boots our kernel here; throws what the boot threw. Proved once for each fingerprint. */
export async function proveTcg(
  options: VerdictOptions,
  { engines }: QemuVerdict,
  signal: AbortSignal,
): Promise<ProvenBoot> {
  const { cache, again, clock = () => new Date() } = options;
  const key = digest([engines.tcg.fingerprint]);
  const known = await readVerdicts(cache);
  if (again !== "all" && known.tcg?.key === key) return known.tcg;
  const boot_ms = await options.proveBoot(engines.tcg, { timeoutMs: tcgBootTimeoutMs }, signal);
  const proven = { key, boot_ms, checked_at: clock().toISOString() };
  await writeVerdicts(cache, { tcg: proven });
  return proven;
}

type QemuGround = Omit<FingerprintFacts, "accelerator" | "runtime">;

function openEngines(files: EngineFiles, ground: QemuGround): QemuVerdict["engines"] {
  const open = (accelerator: Accelerator) => {
    return qemuEngine({
      ...files,
      accelerator,
      tscKhz: ground.tscKhz,
      qemuPath: ground.qemu.path,
      fingerprint: engineFingerprint({ ...ground, accelerator, runtime: files.fingerprint }),
    });
  };
  return { kvm: open("kvm"), tcg: open("tcg") };
}

function digest(ground: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(ground)).digest("hex").slice(0, 32);
}
