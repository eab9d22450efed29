// Owns turning the stages that pyro announces into a profile: what each costs. Never measures whole paths.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { stageChannel, type StageDone } from "../src/base/stage.js";
import { figureOf } from "./figure.js";
import type { Profile } from "./row.js";

/** One way through a path: when it began, and each stage that was done after that, in order. */
export interface Passage {
  readonly beganAt: number;
  readonly stages: readonly Lap[];
}

export interface Lap {
  readonly stage: string;
  /** Milliseconds since 1970, with fractions. */
  readonly at: number;
}

export const now = (): number => performance.timeOrigin + performance.now();

/** Collects what this process announces while `work` goes on, which resolves with the id of its machine. */
export async function listen(work: () => Promise<string>): Promise<Passage> {
  const heard: StageDone[] = [];
  const onStage = (message: unknown) => void heard.push(message as StageDone);
  subscribe(stageChannel, onStage);
  const beganAt = now();
  try {
    const id = await work();
    // What the pool does meanwhile is another machine's.
    return { beganAt, stages: heard.filter((each) => each.id === id && each.topic === "machine") };
  } finally {
    unsubscribe(stageChannel, onStage);
  }
}

/** Milliseconds of each stage, over all passages that went the way most went. */
export function profileOf(id: string, what: string, passages: readonly Passage[]): Profile {
  const ways = new Map<string, Passage[]>();
  for (const passage of passages) {
    const way = JSON.stringify(passage.stages.map(({ stage }) => stage));
    ways.set(way, [...(ways.get(way) ?? []), passage]);
  }
  const [usual = []] = [...ways.values()].toSorted((left, right) => right.length - left.length);
  const stages = (usual[0]?.stages ?? []).map(({ stage }, index) => ({
    stage,
    figure: figureOf(usual.map((passage) => durationOf(passage, index))),
  }));
  return { id, what, stages };
}

function durationOf({ beganAt, stages }: Passage, index: number): number {
  return (stages[index]?.at ?? 0) - (stages[index - 1]?.at ?? beganAt);
}
