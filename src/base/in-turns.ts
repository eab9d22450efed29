// Owns going through many things without waiting for any: other work of this process gets its turn in between. Never reorders.
import { setImmediate as nextTurn } from "node:timers/promises";

const itemsPerTurn = 500;

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
