// Owns the file in which measurements of this host are kept. Never decides whether one still holds.
import { join } from "node:path";
import * as z from "zod";
import { writeJsonAtomic } from "../../base/atomic-file.js";
import { readRecordFile } from "../../base/record-file.js";
import type { RecordKind } from "../../base/stored-record.js";
import { qemuProgram } from "./verdict-host.js";

export const kvmCauses = [
  "none",
  "no_device",
  "no_virtualization",
  "no_permission",
  "busy",
  "failed",
  "too_slow",
  "hung",
  /** The loop was fast, and yet our kernel did not boot in time. */
  "no_boot",
] as const;

const kvmMeasurement = z.strictObject({
  /** What it was measured under; it holds for nothing else. */
  key: z.string(),
  boot_id: z.string(),
  usable: z.boolean(),
  cause: z.enum(kvmCauses),
  /** For a person; empty when usable. */
  reason: z.string(),
  /** What that person can do; empty when there is nothing. */
  fix: z.string(),
  /** Microseconds of the probe's loop; 0 when it did not run. */
  loop_us: z.number(),
  /** Milliseconds until the agent answered; null when it was not booted. */
  boot_ms: z.number().nullable(),
  /** RFC 3339. */
  checked_at: z.string(),
});

const schema = z.strictObject({
  format: z.literal(1),
  qemu: qemuProgram.nullable(),
  tsc: z
    .strictObject({ khz: z.int().min(100_000).max(20_000_000), boot_id: z.string(), cpu_model: z.string() })
    .nullable(),
  kvm: kvmMeasurement.nullable(),
  /** The last boot under emulation that was made to prove it. */
  tcg: z.strictObject({ key: z.string(), boot_ms: z.number(), checked_at: z.string() }).nullable(),
});

export const verdictRecordKind = {
  what: "verdicts about the host",
  schema,
  upgrades: [],
} satisfies RecordKind<typeof schema>;

export type KvmMeasurement = z.output<typeof kvmMeasurement>;
export type Verdicts = z.output<typeof schema>;

const noVerdicts: Verdicts = { format: 1, qemu: null, tsc: null, kvm: null, tcg: null };

export const verdictPath = (cache: string) => join(cache, "host.json");

/** What is kept in this cache folder; nothing when the file is missing, of a newer pyro or cannot be read as one. */
export async function readVerdicts(cache: string): Promise<Verdicts> {
  const found = await readRecordFile(verdictRecordKind, verdictPath(cache));
  return found.kind === "readable" ? found.value : noVerdicts;
}

/**
 * Keeps the given ones; where that fails, on a full disk for one, they are measured again the next time. Those of a newer pyro
 * are replaced: they are measurements that it makes again, while kept they would cost us one at each start.
 */
export async function writeVerdicts(cache: string, changed: Partial<Verdicts>): Promise<void> {
  const verdicts = { ...(await readVerdicts(cache)), ...changed } satisfies Verdicts;
  await writeJsonAtomic(verdictPath(cache), verdicts).catch(() => undefined);
}
