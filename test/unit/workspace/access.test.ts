// Proves what the one door into a workspace does for each need: which machine it starts, whom it lets in beside whom.

import { expect, test } from "vitest";
import { enter, type Inside, type NeedInside } from "../../../src/workspace/access.js";
import type { Workspace } from "../../../src/workspace/workspace.js";
import { nextTurn } from "../../security/hostile-guest.js";
import { caller, needing, openWorld, type World } from "../../security/world.js";

/** Work that lasts until it is let go. */
interface Held {
  /** What has happened to it so far. */
  readonly seen: string[];
  readonly done: Promise<unknown>;
  letGo(): void;
}

function hold(world: World, id: string, needs: NeedInside): Held {
  const seen: string[] = [];
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  const work = async ({ live }: Inside) => {
    seen.push(`in ${live.id}`);
    await over;
    return {};
  };
  const done = enter(world, { id, needs, work }, caller()).then(({ restarted }) => seen.push(`restarted ${restarted}`));
  return { seen, done, letGo: () => end() };
}

test("`record` and `stopped` take a workspace as it is; `beside` and `alone` start its machine, and say so", async () => {
  await using world = await openWorld({});
  const id = await world.create();
  const states: unknown[] = [];
  const look = (workspace: Workspace) => Promise.resolve(workspace.state.at);
  const inside = ({ workspace }: Inside) => Promise.resolve({ at: workspace.state.at });
  for (const needs of ["record", "beside", "stopped", "alone"] as const) {
    await world.offered.stop(id, needing("stopped"));
    states.push(
      needs === "record" || needs === "stopped"
        ? await enter(world, { id, needs, work: look }, caller())
        : await enter(world, { id, needs, work: inside }, caller()),
    );
  }
  expect(states).toEqual([
    "stopped",
    { at: "running", restarted: true },
    "stopped",
    { at: "running", restarted: true },
  ]);
  expect(world.guests.length).toBe(3);
});

test("two work beside each other; who needs it alone waits for them, and who comes later waits for that", async () => {
  await using world = await openWorld({});
  const id = await world.create();
  const works = (["beside", "beside", "alone", "beside"] as const).map((needs) => hold(world, id, needs));
  const inside = () => works.map(({ seen }) => seen.length > 0);
  await nextTurn();
  const before = inside();
  works[0]?.letGo();
  works[1]?.letGo();
  await Promise.all([works[0]?.done, works[1]?.done]);
  await nextTurn();
  const between = inside();
  works[2]?.letGo();
  await works[2]?.done;
  await nextTurn();
  works[3]?.letGo();
  await works[3]?.done;
  expect([before, between, inside()]).toEqual([
    [true, true, false, false],
    [true, true, true, false],
    [true, true, true, true],
  ]);
});

test("what only waited when the machine was ended works in the next one", async () => {
  await using world = await openWorld({});
  const id = await world.create();
  const first = hold(world, id, "alone");
  await nextTurn();
  const second = hold(world, id, "beside");
  await nextTurn();
  await world.offered.stop(id, needing("stopped"));
  first.letGo();
  await first.done;
  second.letGo();
  await second.done;
  expect([first.seen.at(-1), second.seen.at(-1), world.guests.length]).toEqual([
    "restarted false",
    "restarted true",
    2,
  ]);
});

test("nobody is let into a workspace that is not there", async () => {
  await using world = await openWorld({});
  const work = () => Promise.resolve({});
  await expect(enter(world, { id: "ws_nothing", needs: "beside", work }, caller())).rejects.toThrow(
    'There is no workspace "ws_nothing".',
  );
});
