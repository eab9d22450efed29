// Owns going through many things without waiting for any: other work of this process gets its turn in between. Never reorders.
import { setImmediate as nextTurn } from "node:timers/promises";

const itemsPerTurn = 500;

/** Milliseconds of work after which others get their turn. */
const turnMs = 10;

/** For work whose pieces differ: `due` says, cheaply, that it has gone on for long enough to `pause`. */
export class Turns {
  #since = performance.now();

  due(): boolean {
    return performance.now() - this.#since >= turnMs;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}

/** Sorted by the units of the strings, as `sort` does. */
export async function sortedInTurns(strings: readonly string[]): Promise<readonly string[]> {
  const runs: (readonly string[])[] = [];
  for (let start = 0; start < strings.length; start += stringsPerRun) {
    runs.push(strings.slice(start, start + stringsPerRun).sort());
    await nextTurn();
  }
  while (runs.length > 1) {
    const [left = [], right = []] = runs.splice(0, 2);
    runs.push(await merged(left, right));
  }
  return runs[0] ?? [];
}

const stringsPerRun = 1024;

async function merged(left: readonly string[], right: readonly string[]): Promise<readonly string[]> {
  const all: string[] = [];
  const turns = new Turns();
  for (let at = 0, beside = 0; at < left.length || beside < right.length;) {
    const [one, other] = [left[at], right[beside]];
    if (other === undefined || (one !== undefined && one <= other)) {
      if (one !== undefined) all.push(one);
      at += 1;
    } else {
      all.push(other);
      beside += 1;
    }
    if (all.length % 256 === 0 && turns.due()) await turns.pause();
  }
  return all;
}

/** Calls `visit` for each, in order; cheaper than `inTurns` where the work for one is small. */
export async function eachInTurns<Item>(items: Iterable<Item>, visit: (item: Item) => void): Promise<void> {
  const turns = new Turns();
  let count = 0;
  for (const item of items) {
    visit(item);
    count += 1;
    if (count % 256 === 0 && turns.due()) await turns.pause();
  }
}

export async function* inTurns<Item>(items: Iterable<Item>, signal: AbortSignal): AsyncGenerator<Item> {
  let count = 0;
  for (const item of items) {
    if (count % itemsPerTurn === 0) {
      await nextTurn();
      signal.throwIfAborted();
    }
    count += 1;
    yield item;
  }
}
