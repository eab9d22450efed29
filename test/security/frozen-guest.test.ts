// Proves that a guest that does not answer holds nothing up: what ends a workspace never waits for what it ends, and one stuck workspace is no other's.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import { sweep } from "../../src/workspace/life/lifecycle.js";
import { silence, type Lies } from "./hostile-guest.js";
import { needing, openWorld, type World } from "./world.js";

const never = new AbortController().signal;

/** A stream that ends at once: there is no such file. */
const notFound = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new ConnectError("no such file", Code.NotFound)) }),
};

/** Takes what it is sent, and then never says that it is written; `writing` resolves once it has all. */
function frozenInWrite(): { readonly lies: Lies; readonly writing: Promise<void> } {
  let asked = (): void => undefined;
  const writing = new Promise<void>((resolve) => (asked = resolve));
  const lies: Lies = {
    files: {
      readFile: async function* () {
        yield { entry: { path: Buffer.from("x"), size: 0n } };
      },
      writeFile: async (pieces) => {
        for await (const _ of pieces);
        asked();
        return silence();
      },
    },
  };
  return { lies, writing };
}

/** Names of what happened, in order. */
function journalOf(work: Readonly<Record<string, Promise<unknown>>>): string[] {
  const events: string[] = [];
  for (const [name, each] of Object.entries(work)) {
    each.then(
      () => events.push(`${name} done`),
      (error: unknown) => events.push(`${name} ended: ${asPyroError(error).code}`),
    );
  }
  return events;
}

async function write(world: World, id: string): Promise<unknown> {
  return world.offered.writeFile({ id, path: "x", text: "text" }, needing("alone"));
}

describe("with a write under way that is never answered", () => {
  test("a delete kills the machine, ends the write and the calls behind it, and leaves nothing", async () => {
    const { lies, writing } = frozenInWrite();
    await using world = await openWorld(lies);
    const id = await world.create();
    const first = write(world, id);
    await writing;
    const second = write(world, id);
    const began = performance.now();
    const deleting = world.offered.delete(id, needing("stopped"));
    const events = journalOf({ first, second, deleting });
    expect((await deleting).id).toBe(id);
    process.stdout.write(`delete with a frozen guest: ${Math.round(performance.now() - began)} ms\n`);
    expect(events.toSorted()).toEqual(["deleting done", "first ended: canceled", "second ended: canceled"]);
    expect(world.guests.map((guest) => guest.kills() > 0)).toEqual([true]);
    expect([world.store.all(), existsSync(join(world.store.root, id))]).toEqual([[], false]);
  });

  test("a reset ends both and starts a new machine", async () => {
    const { lies, writing } = frozenInWrite();
    await using world = await openWorld(lies);
    const id = await world.create();
    const first = write(world, id);
    await writing;
    const resetting = world.offered.reset(id, needing("stopped"));
    const events = journalOf({ first, resetting });
    expect((await resetting).record).toMatchObject({ id, state: "running" });
    expect(events).toEqual(["first ended: canceled", "resetting done"]);
    expect(world.guests.map((guest) => guest.kills() > 0)).toEqual([true, false]);
  });

  test("a stop ends it, and lets the guest write what it has to its disk", async () => {
    const { lies, writing } = frozenInWrite();
    const asked: string[] = [];
    const unmount = () => {
      asked.push("unmount");
      return Promise.resolve({});
    };
    await using world = await openWorld({ ...lies, machine: { unmount } });
    const id = await world.create();
    const first = write(world, id);
    await writing;
    const stopping = world.offered.stop(id, needing("stopped"));
    const events = journalOf({ first, stopping });
    expect((await stopping).record).toMatchObject({ state: "stopped", failure: null });
    await first.catch(() => undefined);
    expect([asked, events.toSorted()]).toEqual([["unmount"], ["first ended: canceled", "stopping done"]]);
  });
});

test("a delete ends the commit of a patch that is never answered", async () => {
  let asked = (): void => undefined;
  const committing = new Promise<void>((resolve) => (asked = resolve));
  await using world = await openWorld({
    files: {
      readFile: () => notFound,
      listFiles: () => notFound,
      stage: async (pieces) => {
        for await (const _ of pieces);
        return { fileCount: 1n, byteCount: 1n };
      },
      commit: () => {
        asked();
        return silence();
      },
    },
  });
  const id = await world.create();
  const patch = "--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+y\n";
  const first = world.offered.applyPatch({ id, patch }, needing("alone"));
  const failure = first.then(
    () => "none",
    (error: unknown) => asPyroError(error).code,
  );
  await Promise.race([committing, failure.then((code) => Promise.reject(new Error(code)))]);
  expect((await world.offered.delete(id, needing("stopped"))).id).toBe(id);
  expect(await failure).toBe("unavailable");
});

test("a stop whose guest does not write everything in time says so, in its result and in the logs", async () => {
  await using world = await openWorld({
    machine: { unmount: () => Promise.reject(new Error("The disk is on fire.")) },
  });
  const id = await world.create();
  const text = "Its machine did not write everything to its disk within 20 s: what was written last may be missing";
  expect(await world.offered.stop(id, needing("stopped"))).toMatchObject({
    record: { state: "stopped", failure: text },
  });
  const logs = await world.offered.history(id, needing("record"));
  expect(logs.notes).toEqual([{ at: expect.any(String), text }]);
});

test("what only waited when the workspace was stopped starts it again by itself", async () => {
  const { lies, writing } = frozenInWrite();
  await using world = await openWorld(lies);
  const id = await world.create();
  const first = write(world, id).catch(() => "ended");
  await writing;
  const second = write(world, id).catch(() => "ended");
  await world.offered.stop(id, needing("stopped"));
  // The second one's write is not answered either: that there is a machine for it says enough.
  while (world.guests.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await world.offered.delete(id, needing("stopped"));
  expect([await first, await second]).toEqual(["ended", "ended"]);
});

test("a workspace that is being created is gone when it is deleted", async () => {
  await using world = await openWorld({});
  const slow = { ...world.machines, create: (_: unknown, { signal }: { signal: AbortSignal }) => aborted(signal) };
  Object.assign(world.machines, slow);
  const creating = world.create();
  while (world.store.all().length === 0) await new Promise((resolve) => setImmediate(resolve));
  const [id = ""] = world.store.all().map((each) => each.id);
  const failure = creating.then(
    () => "created",
    (error: unknown) => asPyroError(error).code,
  );
  await world.offered.delete(id, needing("stopped"));
  expect(await failure).toBe("canceled");
  expect(existsSync(join(world.store.root, id))).toBe(false);
});

async function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

test("the sweep stops every idle workspace, also beside one whose lock nobody lets go of", async () => {
  await using world = await openWorld({});
  const ids = [await world.create(), await world.create(), await world.create()];
  await world.offered.stop(ids[0] ?? "", needing("stopped"));
  const stuck = world.store.find(ids[0] ?? "");
  let letGo = (): void => undefined;
  const held = stuck.lock.exclusive(never, () => new Promise<void>((resolve) => (letGo = resolve)));
  const sweeping = sweep(world.store, Date.now() + 8 * 24 * 3_600_000, never);
  const others = ids.slice(1).map((id) => world.store.find(id));
  while (others.some((each) => each.record.state !== "stopped")) await new Promise((resolve) => setImmediate(resolve));
  letGo();
  await Promise.all([held, sweeping]);
  expect(others.map((each) => each.record.state)).toEqual(["stopped", "stopped"]);
  expect(readFileSync(others[0]?.files.journal ?? "", "utf8")).toContain('"stopped"');
});
