// Owns saying that a stage of some work is done, to whoever listens in this process: the benchmark, the daemon's log. Never keeps or prints it.
import { channel } from "node:diagnostics_channel";

/** What stages are of; `PYRO_DEBUG` names them. */
export const stageTopics = ["call", "machine", "guest", "qmp", "pool", "seed"] as const;
export type StageTopic = (typeof stageTopics)[number];

/** What listeners of `stageChannel` get. */
export interface StageDone {
  readonly topic: StageTopic;
  /** Of the machine, of the call, or of what else the topic is about. */
  readonly id: string;
  readonly stage: string;
  /** Milliseconds since 1970, with fractions. */
  readonly at: number;
}

export const stageChannel = "pyro:stage";

// Held: Node drops a channel that nobody holds, and may then drop the next one of that name with its listeners.
const listeners = channel(stageChannel);

/** Costs nothing while nobody listens. */
export function stageDone(id: string, stage: string, topic: StageTopic = "machine"): void {
  if (!listeners.hasSubscribers) return;
  listeners.publish({ topic, id, stage, at: performance.timeOrigin + performance.now() } satisfies StageDone);
}
