// Proves that a workspace is in one state at a time, on record too, whatever goes wrong on the way to the next.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asPyroError } from "../../../src/base/error.js";
import { viewOfStatus } from "../../../src/operations/workspace-view.js";
import { beginCreation } from "../../../src/workspace/life/create.js";
import { handOver, resumeWorkspaces } from "../../../src/workspace/life/resume.js";
import { WorkspaceStore } from "../../../src/workspace/record/store.js";
import { nextTurn } from "../../security/hostile-guest.js";
import { needing, openWorld, type World } from "../../security/world.js";

/** State and failure as the record on disk has them. */
function onRecord(world: World, id: string): unknown {
  const { state, failure } = JSON.parse(readFileSync(world.store.find(id).files.record, "utf8")) as {
    state: string;
    failure: string | null;
  };
  return { state, failure };
}

function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: unknown) => `${asPyroError(error).code}: ${asPyroError(error).message}`,
  );
}

/** A workspace whose disk is nothing that a reset can remove. */
async function failedIn(world: World): Promise<string> {
  const id = await world.create();
  mkdirSync(world.store.find(id).files.disk);
  expect(await failure(world.offered.reset(id, needing("stopped")))).not.toBe("none");
  return id;
}

test("a reset that goes wrong half way leaves it failed: that is said, on record, and only a reset or a delete helps", async () => {
  await using world = await openWorld({});
  const id = await failedIn(world);
  const said = expect.stringMatching(/^Its reset came to no end: .*disk\.qcow2/u) as string;
  expect([onRecord(world, id), viewOfStatus(await world.offered.status(id, needing("record")))]).toMatchObject([
    { state: "failed", failure: said },
    { state: "failed", failure: said, deletes_at: null },
  ]);
  expect(await failure(world.offered.start(id, needing("stopped")))).toMatch(
    new RegExp(`^failed_precondition: Workspace ${id} is failed: Its reset came to no end: `, "u"),
  );
  expect(world.guests.map((guest) => guest.kills() > 0)).toEqual([true]);
  rmSync(world.store.find(id).files.disk, { recursive: true });
  expect(await world.offered.reset(id, needing("stopped"))).toMatchObject({
    record: { state: "running", failure: null },
  });
});

test("the next daemon completes a reset that went wrong, once nothing stands in its way", async () => {
  await using world = await openWorld({});
  const id = await failedIn(world);
  rmSync(world.store.find(id).files.disk, { recursive: true });
  const store = await WorkspaceStore.open(join(world.folder, "state"));
  await resumeWorkspaces(store, world.machines);
  expect(store.all().map(({ record: { state, failure: why } }) => ({ state, why }))).toEqual([
    { state: "stopped", why: null },
  ]);
});

test("a creation that nobody waits for any more leaves nothing, also before it began", async () => {
  await using world = await openWorld({});
  const request = {
    ...{ environment: "debian:12", name: undefined, labels: {}, vcpuCount: 1, memMib: 128, ttlSeconds: 60 },
    prepareSeed: () => Promise.reject(new Error("It is not asked for.")),
  };
  const parts = { ...world, environments: { find: () => Promise.resolve(undefined) } } as unknown as Parameters<
    typeof beginCreation
  >[0];
  const task = { signal: AbortSignal.abort(new Error("Nobody waits.")), progress: () => undefined };
  const { done } = await beginCreation(parts, request, task);
  expect([await failure(done), world.store.all()]).toEqual(["internal: Nobody waits.", []]);
});

test("who waits for a creation that fails is told that it failed", async () => {
  await using world = await openWorld({});
  const fail = new Promise<() => void>((asked) => {
    const create = () => new Promise((_, reject) => asked(() => reject(new Error("There is no memory."))));
    Object.assign(world.machines, { create });
  });
  const creating = failure(world.create());
  while (world.store.all().length === 0) await nextTurn();
  const [id = ""] = world.store.all().map((each) => each.id);
  const starting = failure(world.offered.start(id, needing("stopped")));
  (await fail)();
  expect([await creating, await starting, world.store.all()]).toEqual([
    "internal: There is no memory.",
    `not_found: Workspace ${id} could not be created.`,
    [],
  ]);
});

test("a machine that comes for a workspace that is gone is ended, and does not bring it back", async () => {
  await using world = await openWorld({});
  const id = await world.create();
  await world.offered.stop(id, needing("stopped"));
  const workspace = world.store.find(id);
  const { create } = world.machines;
  let come = (): void => undefined;
  const delayed = new Promise<void>((resolve) => (come = resolve));
  Object.assign(world.machines, {
    create: async (...given: Parameters<typeof create>) => {
      const machine = await create(...given);
      await delayed;
      return machine;
    },
  });
  const starting = failure(world.offered.start(id, needing("stopped")));
  while (workspace.state.at !== "starting") await nextTurn();
  const deleting = world.offered.delete(id, needing("stopped"));
  while (world.guests.length < 2) await nextTurn();
  come();
  expect([await starting, await deleting]).toEqual([
    `canceled: Workspace ${id} was deleted in the middle of this call.`,
    workspace,
  ]);
  expect(world.guests.map((guest) => guest.kills() > 0)).toEqual([true, true]);
});

test("a machine that ends by itself stops its workspace, which says why; one that was handed over is the next daemon's", async () => {
  await using world = await openWorld({});
  const [id, left] = [await world.create(), await world.create()];
  await world.guests[0]?.live[Symbol.asyncDispose]();
  while (world.store.find(id).state.at !== "stopped") await nextTurn();
  await world.offered.update({ id, clearName: false, labels: {}, clearLabels: [] }, needing("record"));
  handOver(world.store);
  await world.guests[1]?.live[Symbol.asyncDispose]();
  await nextTurn();
  expect([onRecord(world, id), onRecord(world, left)]).toEqual([
    { state: "stopped", failure: "The machine ended: killed" },
    { state: "running", failure: null },
  ]);
});
