// Owns taking samples and what is said of them. Never knows what is measured.

export type Unit = "ms" | "MiB" | "MB/s";

export interface Figure {
  readonly unit: Unit;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** How many samples. */
  readonly count: number;
}

/** Takes one sample, in the figure's unit. */
export type Sample = () => Promise<number>;

export function figureOf(samples: readonly number[], unit: Unit = "ms"): Figure {
  const sorted = samples.toSorted((left, right) => left - right);
  const at = (share: number) => round(sorted[Math.round(share * (sorted.length - 1))] ?? 0);
  return { unit, median: at(0.5), p10: at(0.1), p90: at(0.9), count: sorted.length };
}

/** Samples each in turn, so that a busy moment of the host hits all of them alike. */
export async function alternate<Name extends string>(
  count: number,
  samples: Readonly<Record<Name, Sample>>,
  unit: Unit = "ms",
): Promise<Record<Name, Figure>> {
  const names = Object.keys(samples) as Name[];
  const taken = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < count; round += 1) {
    for (const name of names) taken.get(name)?.push(await samples[name]());
  }
  return Object.fromEntries(names.map((name) => [name, figureOf(taken.get(name) ?? [], unit)])) as Record<Name, Figure>;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
