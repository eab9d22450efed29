// Owns the rate of the host's time stamp counter, as machines are told it. Never lets noise change it.
import * as z from "zod";
import { runProgram } from "../../base/spawn.js";
import type { Verdicts } from "./verdict-file.js";
import type { Host } from "./verdict-host.js";

const answer = z.object({ khz: z.int().min(100_000).max(20_000_000) });

/** Two measurements of one rate differ by less; a guest's clock that is wrong by this much loses 17 s a day. */
const toleranceParts = 200 / 1_000_000;

const probeTimeoutMs = 10_000;

type Tsc = NonNullable<Verdicts["tsc"]>;

/** The recorded rate while the host has not been started again, else a measured one. */
export async function currentTsc(
  known: Verdicts["tsc"],
  { bootId, cpuModel }: Pick<Host, "bootId" | "cpuModel">,
  measure: () => Promise<number>,
): Promise<Tsc> {
  if (known !== null && known.cpu_model === cpuModel && known.boot_id === bootId) return known;
  const khz = steadyRate(known?.cpu_model === cpuModel ? known.khz : undefined, await measure());
  return { khz, boot_id: bootId, cpu_model: cpuModel };
}

/** The recorded rate where the measured one is the same but for noise: templates are keyed by it. */
export function steadyRate(recorded: number | undefined, measured: number): number {
  if (recorded === undefined) return measured;
  return Math.abs(measured - recorded) <= recorded * toleranceParts ? recorded : measured;
}

/** Measurements of one rate differ by one or two kHz; rounded, most of them are equal also where none is recorded. */
const roundedToKhz = 10;

/** In kHz. */
export async function measureTsc(agentPath: string, signal: AbortSignal): Promise<number> {
  const { stdout } = await runProgram(agentPath, ["probe", "tsc"], { signal, timeoutMs: probeTimeoutMs });
  return Math.round(answer.parse(JSON.parse(stdout)).khz / roundedToKhz) * roundedToKhz;
}
