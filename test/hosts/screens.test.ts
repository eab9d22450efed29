// Proves what a person sees who types the name of a chat host in a terminal: our tools are there, they run when allowed, and Esc stops them.

import { deepStrictEqual } from "node:assert";
import { expect, test } from "vitest";
import { eventually } from "../e2e/eventually.js";
import { commandsOf, openDesk, workspacesOf } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts } from "./hosts.js";
import { interactiveHosts } from "./interactive.js";
import { startModel } from "./models/scripted-model.js";
import { interruptedCommand, lastWords } from "./recipe.js";
import { keys } from "./screen.js";

test.each(chatHosts)("[host-screen] %s connects, runs what is allowed, and Esc stops it in the guest", async (host) => {
  const { questions, ready, servers, connected, leave, asks, interrupt, interrupted, quit } = interactiveHosts[host];
  await using desk = await openDesk(host);
  await using model = await startModel(headlessHosts[host].wire, interruptedCommand);
  expect(await desk.pyro("host", "connect", host)).toMatchObject({ code: 0 });
  await using screen = desk.screen(model.url);
  const pressed = async (steps: typeof quit) => {
    for (const [words, key] of steps) {
      await screen.shows(words);
      screen.press(key);
    }
  };
  const allowed = async () => pressed(asks === undefined ? [] : [[asks, keys.enter]]);

  await pressed(questions);
  await screen.shows(ready);
  if (servers !== undefined) await screen.enter(servers);
  await screen.shows(connected);
  await pressed(leave);

  await screen.enter("Run the slow test.");
  await allowed();
  const [id = ""] = await eventually(
    () => workspacesOf(desk.home),
    (ids) => ids.length > 0,
  );
  await allowed();
  const begun = await eventually(
    () => commandsOf(desk, id),
    ([one]) => one?.state === "running",
  );
  expect(begun).toMatchObject([{ state: "running" }]);
  await pressed(interrupt);
  await screen.shows(interrupted);
  const ended = await eventually(
    () => commandsOf(desk, id),
    ([one]) => one?.state !== "running",
  );
  expect(ended).toMatchObject([{ state: "exited", canceled: true }]);

  await screen.enter("Go on where you were.");
  await allowed();
  await screen.shows(lastWords);
  expect(model.problems).toEqual([]);
  expect(model.calls.map(({ tool }) => tool)).toEqual(["workspace_create", "workspace_exec", "workspace_exec"]);
  expect(await commandsOf(desk, id)).toMatchObject([{ canceled: true }, { state: "exited", canceled: false }]);

  await pressed(quit);
  await screen.finished;
  deepStrictEqual(await eventually(desk.processes, (left) => left.length === 0), []);
});
