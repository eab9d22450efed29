// Proves that a lock lets through many readers or one writer, in the order in which they came, whoever gives up or fails meanwhile.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReadWriteLock } from "../../../src/base/read-write-lock.js";

const never = new AbortController().signal;

/** Everything that can go on without anybody's help has gone on. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A lock whose holders stay inside until they are told to leave. */
function watched() {
  const lock = new ReadWriteLock();
  const inside = new Set<string>();
  const entered: string[] = [];
  const leave = new Map<string, (fails: boolean) => void>();
  const enter = (name: string, exclusive: boolean, signal = never) => {
    const work = async () => {
      inside.add(name);
      entered.push(name);
      try {
        await new Promise<void>((resolve, reject) => {
          leave.set(name, (fails) => (fails ? reject(new Error("failed inside")) : resolve()));
        });
      } finally {
        inside.delete(name);
      }
    };
    const held = exclusive ? lock.exclusive(signal, work) : lock.shared(signal, work);
    return held.then(
      () => "left",
      (error: unknown) => String(error),
    );
  };
  return { enter, inside, entered, leave };
}

describe("a lock", () => {
  test("lets readers in together, a writer alone, and nobody past a writer that waits", async () => {
    const { enter, inside, leave } = watched();
    void enter("reader 1", false);
    void enter("reader 2", false);
    void enter("writer", true);
    void enter("reader 3", false);
    await settled();
    const seen = [[...inside]];
    for (const name of ["reader 1", "reader 2", "writer"]) {
      leave.get(name)?.(false);
      await settled();
      seen.push([...inside]);
    }
    expect(seen).toEqual([["reader 1", "reader 2"], ["reader 2"], ["writer"], ["reader 3"]]);
  });

  test("that nobody gets any more, since a waiting writer gave up, goes to the readers behind it", async () => {
    const { enter, inside } = watched();
    const gone = new AbortController();
    void enter("reader 1", false);
    const writer = enter("writer", true, gone.signal);
    void enter("reader 2", false);
    gone.abort(new Error("gave up"));
    await settled();
    expect([await writer, [...inside]]).toEqual(["Error: gave up", ["reader 1", "reader 2"]]);
  });

  test("is not asked for by who has given up already, and is not taken from who is inside", async () => {
    const { enter, inside, leave } = watched();
    const gone = new AbortController();
    const writer = enter("writer", true, gone.signal);
    await settled();
    gone.abort(new Error("gave up"));
    const late = await enter("late", false, gone.signal);
    expect([late, [...inside]]).toEqual(["Error: gave up", ["writer"]]);
    leave.get("writer")?.(false);
    expect(await writer).toBe("left");
  });
});

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("enter" as const), exclusive: fc.boolean() }),
    fc.record({ kind: fc.constant("leave" as const), which: fc.nat(), fails: fc.boolean() }),
    fc.record({ kind: fc.constant("give up" as const), which: fc.nat() }),
  ),
  { maxLength: 40 },
);

test("whatever its users do, a writer is alone, the order is kept, and everybody gets in or has given up", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { enter, inside, entered, leave } = watched();
      const writers = new Set<string>();
      const users: { readonly name: string; readonly gone: AbortController; readonly end: Promise<string> }[] = [];
      const check = async () => {
        await settled();
        const alone = [...inside].every((name) => !writers.has(name)) || inside.size === 1;
        const inOrder = entered.toSorted((a, b) => Number(a) - Number(b));
        expect([alone, entered]).toEqual([true, inOrder]);
      };
      const at = <Item>(items: readonly Item[], which: number) => items[which % Math.max(1, items.length)];
      for (const step of script) {
        if (step.kind === "enter") {
          const [name, gone] = [String(users.length), new AbortController()];
          if (step.exclusive) writers.add(name);
          users.push({ name, gone, end: enter(name, step.exclusive, gone.signal) });
        } else if (step.kind === "leave") leave.get(at([...inside], step.which) ?? "")?.(step.fails);
        else at(users, step.which)?.gone.abort(new Error("gave up"));
        await check();
      }
      // Each one that leaves lets the next ones in, until nobody is left.
      for (let left = users.length; left > 0; left -= 1) {
        for (const name of inside) leave.get(name)?.(false);
        await check();
      }
      const ends = new Set(await Promise.all(users.map(({ end }) => end)));
      expect([...ends].filter((end) => !["left", "Error: gave up", "Error: failed inside"].includes(end))).toEqual([]);
      expect(inside.size).toBe(0);
    }),
    { numRuns: 60 },
  );
});
