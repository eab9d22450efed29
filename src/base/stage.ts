// Owns saying that a stage of a machine's life is done, to whoever listens in this process: the benchmark. Never keeps or prints it.
import { channel } from "node:diagnostics_channel";

/** What listeners of `stageChannel` get. */
export interface StageDone {
  /** Of the machine. */
  readonly id: string;
  readonly stage: string;
  /** Milliseconds since 1970, with fractions. */
  readonly at: number;
}

export const stageChannel = "pyro:stage";

/** Costs nothing while nobody listens. */
export function stageDone(id: string, stage: string): void {
  const listeners = channel(stageChannel);
  if (!listeners.hasSubscribers) return;
  listeners.publish({ id, stage, at: performance.timeOrigin + performance.now() } satisfies StageDone);
}
