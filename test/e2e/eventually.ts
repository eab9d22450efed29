// Owns waiting for what no event announces, such as the end of a process that is not our child. Never waits longer than needed.

import { setTimeout as delay } from "node:timers/promises";

export interface Patience {
  /** Milliseconds until it gives up; only for what never comes, less than a test has. */
  readonly withinMs?: number;
}

const lookAgainMs = 20;

/** Looks until `isDone` accepts what it sees; resolves with the last look either way, so that a test can compare it. */
export async function eventually<Seen>(
  look: () => Seen | Promise<Seen>,
  isDone: (seen: Seen) => boolean,
  { withinMs = 300_000 }: Patience = {},
): Promise<Seen> {
  const until = Date.now() + withinMs;
  let seen = await look();
  while (!isDone(seen) && Date.now() < until) {
    await delay(lookAgainMs);
    seen = await look();
  }
  return seen;
}
