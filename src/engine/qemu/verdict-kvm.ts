// Owns whether KVM is good for our machines: fast in a probe, then proved by one real boot. Never repairs it.
import * as z from "zod";
import { asPyroError } from "../../base/error.js";
import { runProgram } from "../../base/spawn.js";
import { kvmCauses, type KvmMeasurement } from "./verdict-file.js";
import type { Host } from "./verdict-host.js";

export interface KvmProbe {
  /** Measures the speed; never boots. */
  speed(signal: AbortSignal): Promise<KvmSpeed>;
  /** Boots our kernel; resolves with the milliseconds until its agent answered. */
  boot(signal: AbortSignal): Promise<number>;
}

const kvmSpeed = z.object({
  usable: z.boolean(),
  cause: z.enum(kvmCauses),
  reason: z.string(),
  fix: z.string(),
  loop_us: z.number(),
  /** Milliseconds that making a machine took; 0 when it did not come to that. */
  create_vm_ms: z.number(),
});
export type KvmSpeed = z.output<typeof kvmSpeed>;

/** Instead of a console's end, where it has none. */
const nothing = "(nothing)";

/** The probe gives up by itself after 2 s. */
const probeTimeoutMs = 5_000;

/** What passes by itself, as load does, and does not show in the key. */
const passing: readonly KvmMeasurement["cause"][] = ["too_slow", "hung", "no_boot", "failed"];
/** Milliseconds for which a bad verdict of such a cause holds. */
const passingMs = 60 * 60_000;

/** A verdict holds for its key; a bad one not for ever, and a busy KVM may be free at any time. */
export function holds(known: KvmMeasurement | null, { key, host, now }: KvmCircumstances): known is KvmMeasurement {
  if (known === null || known.key !== key || known.cause === "busy") return false;
  if (known.usable) return true;
  const age = now.getTime() - Date.parse(known.checked_at);
  return known.boot_id === host.bootId && (!passing.includes(known.cause) || (age >= 0 && age < passingMs));
}

export interface KvmCircumstances {
  readonly key: string;
  readonly host: Pick<Host, "bootId">;
  readonly now: Date;
}

export interface MeasuredKvm {
  readonly kvm: KvmMeasurement;
  /** What the probe has just said. */
  readonly speed: KvmSpeed;
}

/** `known` holds but for what the probe may say: where it is fast, how the boot went need not be found out again. */
export async function measureKvm(
  probe: KvmProbe,
  circumstances: KvmCircumstances & { readonly known?: KvmMeasurement },
  signal: AbortSignal,
): Promise<MeasuredKvm> {
  const { key, host, now, known } = circumstances;
  const speed = await probe.speed(signal).catch((error: unknown): KvmSpeed => {
    signal.throwIfAborted();
    return { usable: false, cause: "failed", reason: firstLine(error), fix: "", loop_us: 0, create_vm_ms: 0 };
  });
  const { usable, cause, reason, fix, loop_us } = speed;
  const measured = { key, boot_id: host.bootId, checked_at: now.toISOString(), usable, cause, reason, fix, loop_us };
  if (!usable) return { kvm: { ...measured, boot_ms: null }, speed };
  if (known?.usable === true) return { kvm: { ...known, loop_us }, speed };
  if (known?.cause === "no_boot") return { kvm: known, speed };
  try {
    return { kvm: { ...measured, boot_ms: await probe.boot(signal) }, speed };
  } catch (error) {
    signal.throwIfAborted();
    const why = `the processor is fast under /dev/kvm, but our kernel did not boot: ${withoutConsole(error)}`;
    return { kvm: { ...measured, usable: false, cause: "no_boot", reason: why, boot_ms: null }, speed };
  }
}

/** Runs the native probe. */
export async function measureKvmSpeed(agentPath: string, signal: AbortSignal): Promise<KvmSpeed> {
  const { stdout } = await runProgram(agentPath, ["probe", "kvm"], { signal, timeoutMs: probeTimeoutMs });
  return kvmSpeed.parse(JSON.parse(stdout));
}

function firstLine(error: unknown): string {
  return asPyroError(error).message.split("\n")[0] ?? "";
}

/** Of the guest's console, which may follow, only the last line. */
function withoutConsole(error: unknown): string {
  const [first = "", ...lines] = asPyroError(error).message.split(/(?: Its console's end:)?\n/u);
  const last = lines.at(-1) ?? nothing;
  return last === nothing ? first : `${first} Its console ends with: ${last}`;
}
