// Proves how a workspace is found, and what becomes of folders that a killed daemon left.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { asPyroError } from "../../../../src/base/error.js";
import { WorkspaceStore } from "../../../../src/workspace/record/store.js";
import { openWorld, type World } from "../../../security/world.js";

async function world(): Promise<World> {
  const opened = await openWorld({});
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return asPyroError(error).code;
  }
  return "none";
}

test("a workspace is found by its id, by what only its id begins with, and by its name; what fits many or none is refused", async () => {
  const { store, create } = await world();
  const [first, second] = [await create(), await create()];
  await store.find(second).save({ name: "ws_named" });
  // At least so long that it tells them apart.
  let shared = 0;
  while (first[shared] === second[shared]) shared += 1;
  const found = [first, first.slice(0, shared + 1), "ws_named"].map((reference) => store.find(reference).id);
  expect(found).toEqual([first, first, second]);
  expect(["ws_", "w", "no-such"].map((reference) => failure(() => store.find(reference)))).toEqual([
    "invalid_argument",
    "not_found",
    "not_found",
  ]);
  expect(failure(() => store.checkNameIsFree("ws_named"))).toBe("already_exists");
  expect(failure(() => store.checkNameIsFree("ws_named", store.find(second)))).toBe("none");
});

test("the next store knows the same workspaces, and removes folders that hold nothing yet or nothing any more", async () => {
  const { store, create, folder } = await world();
  const ids = [await create(), await create()];
  const place = (name: string) => join(store.root, name);
  mkdirSync(place("ws_begun"));
  mkdirSync(place("ws_writing"));
  writeFileSync(join(place("ws_writing"), "workspace.json.0123.tmp"), "{");
  mkdirSync(place("ws_gone.deleted"));
  writeFileSync(join(place("ws_gone.deleted"), "disk.qcow2"), "");
  const next = await WorkspaceStore.open(join(folder, "state"));
  expect(next.all().map(({ record }) => record)).toEqual(store.all().map(({ record }) => record));
  expect([
    next
      .all()
      .map(({ id }) => id)
      .toSorted(),
    next.quarantined,
  ]).toEqual([ids.toSorted(), []]);
  expect(["ws_begun", "ws_writing", "ws_gone.deleted"].filter((name) => existsSync(place(name)))).toEqual([]);
});

test("a folder with a disk but no record, or with the record of another, is moved aside whole and reported", async () => {
  const { store, create, folder } = await world();
  const id = await create();
  const place = (name: string) => join(store.root, name);
  mkdirSync(place("ws_bare"));
  writeFileSync(join(place("ws_bare"), "disk.qcow2"), "work");
  mkdirSync(place("ws_other"));
  writeFileSync(join(place("ws_other"), "workspace.json"), JSON.stringify(store.find(id).record));
  const next = await WorkspaceStore.open(join(folder, "state"));
  expect(next.quarantined.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([
    { id: "ws_bare", reason: "there is no record" },
    { id: "ws_other", reason: `the record is of ${id}` },
  ]);
  expect([next.all().map((each) => each.id), existsSync(place("ws_bare"))]).toEqual([[id], false]);
});
