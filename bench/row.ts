// Owns what one line of the result is. Never measures or prints it.
import type { Figure } from "./figure.js";

export interface Row {
  /** Stable short name. */
  readonly id: string;
  readonly what: string;
  readonly figure: Figure;
  /** The figure should be at most this, in its unit. */
  readonly goal?: number;
  readonly reference?: Reference;
}

/** What is possible at best, or what it is compared with; measured in the same run. */
export interface Reference {
  readonly what: string;
  readonly figure: Figure;
  /** The figure should be at most this many times the reference. */
  readonly goal?: number;
}

/** Where the time of one path goes, in order; the figures add up to about the whole. */
export interface Profile {
  readonly id: string;
  readonly what: string;
  readonly stages: readonly { readonly stage: string; readonly figure: Figure }[];
}

export interface Measured {
  readonly rows: readonly Row[];
  readonly profiles: readonly Profile[];
}

export function ratioOf({ figure, reference }: Row): number | undefined {
  if (reference === undefined || reference.figure.median === 0) return undefined;
  return Math.round((figure.median / reference.figure.median) * 100) / 100;
}

/** Undefined without a goal. */
export function isMet(row: Row): boolean | undefined {
  const ratio = ratioOf(row);
  const checks = [
    ...(row.goal === undefined ? [] : [row.figure.median <= row.goal]),
    ...(row.reference?.goal === undefined || ratio === undefined ? [] : [ratio <= row.reference.goal]),
  ];
  return checks.length === 0 ? undefined : checks.every(Boolean);
}
