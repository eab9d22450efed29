// Owns whether KVM is good for our machines: fast in a probe, then proved by one real boot. Never repairs it.
import * as z from "zod";
import { asPyroError } from "../base/error.js";
import { runProgram } from "../base/spawn.js";
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
});
export type KvmSpeed = z.output<typeof kvmSpeed>;

/** The probe gives up by itself after 2 s. */
const probeTimeoutMs = 5_000;

/** A verdict holds for its key; a bad one only until the host is started again, and a busy KVM may be free at any time. */
export function holds(known: KvmMeasurement | null, key: string, bootId: string): known is KvmMeasurement {
  if (known === null || known.key !== key || known.cause === "busy") return false;
  return known.usable || known.boot_id === bootId;
}

export interface KvmCircumstances {
  readonly key: string;
  readonly host: Pick<Host, "bootId">;
  readonly now: Date;
}

export async function measureKvm(
  probe: KvmProbe,
  { key, host, now }: KvmCircumstances,
  signal: AbortSignal,
): Promise<KvmMeasurement> {
  const common = { key, boot_id: host.bootId, checked_at: now.toISOString() };
  const speed = await probe.speed(signal).catch((error: unknown): KvmSpeed => {
    signal.throwIfAborted();
    return { usable: false, cause: "failed", reason: firstLine(error), fix: "", loop_us: 0 };
  });
  if (!speed.usable) return { ...common, ...speed, boot_ms: null };
  try {
    return { ...common, ...speed, boot_ms: await probe.boot(signal) };
  } catch (error) {
    signal.throwIfAborted();
    const reason = `the processor is fast under /dev/kvm, but our kernel did not boot: ${firstLine(error)}`;
    return { ...common, ...speed, usable: false, cause: "no_boot", reason, boot_ms: null };
  }
}

/** Runs the native probe. */
export async function measureKvmSpeed(agentPath: string, signal: AbortSignal): Promise<KvmSpeed> {
  const { stdout } = await runProgram(agentPath, ["probe", "kvm"], { signal, timeoutMs: probeTimeoutMs });
  return kvmSpeed.parse(JSON.parse(stdout));
}

/** Without the guest's console, which may follow. */
function firstLine(error: unknown): string {
  return asPyroError(error).message.split(/(?: Its console's end:)?\n/u)[0] ?? "";
}
