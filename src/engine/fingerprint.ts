// Owns the text by which a saved machine is known to fit an engine of this host: its form, and what differs between two of them. Never measures.
import * as z from "zod";

const parts = z.record(z.string(), z.string());

const words = {
  accelerator: "the accelerator",
  arguments: "pyro's own machine settings",
  cpu: "the processor model",
  features: "the processor's flags, microcode or mitigations",
  firmware: "the machine's firmware",
  kernel: "the host's kernel",
  qemu: "the QEMU build",
  runtime: "the guest kernel or agent",
  tsc: "the processor's clock rate",
} as const;

/** Whatever a saved machine of an engine depends on; each a short text that changes with it. */
export type FingerprintParts = Partial<Readonly<Record<keyof typeof words, string>>>;

/** One line of JSON; equal for two hosts exactly when a machine saved on one may be restored on the other. */
export function fingerprintOf(all: FingerprintParts): string {
  return JSON.stringify(all);
}

/** What changed from one fingerprint to another, in words for a person; something unknown when either cannot be read. */
export function fingerprintChanges(before: string, now: string): readonly string[] {
  const [old, current] = [readParts(before), readParts(now)];
  const changed = Object.entries(words).filter(([name]) => old[name] !== current[name]);
  if (changed.length === 0 && before !== now) return ["the engine"];
  return changed.map(([, what]) => what);
}

/** Whether both are of one accelerator; so when either cannot be read. */
export function isSameAccelerator(one: string, other: string): boolean {
  const [first, second] = [readParts(one)["accelerator"], readParts(other)["accelerator"]];
  return first === undefined || second === undefined || first === second;
}

function readParts(text: string): Readonly<Record<string, string | undefined>> {
  try {
    return parts.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
