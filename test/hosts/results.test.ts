// Proves that what pyro answers reaches the model of a real chat host: errors with the way on, and long output with its result.

import { expect, test } from "vitest";
import { openDesk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { errorsAndLongOutput } from "./recipe.js";

test.each(chatHosts)("[host-results] %s shows its model errors with the way on, and long output", async (host) => {
  await using desk = await openDesk(host);
  const { wire } = headlessHosts[host];
  await using model = await startModel(wire, errorsAndLongOutput);
  expect(await desk.pyro("host", "connect", host)).toMatchObject({ code: 0 });
  const { code } = await desk.prompt("Try what goes wrong.", model.url).finished;
  expect({ problems: model.problems, code }).toEqual({ problems: [], code: 0 });
  expect(model.calls.map(({ tool }) => tool)).toEqual([
    "workspace_exec",
    "workspace_create",
    "workspace_create",
    "workspace_exec",
    "workspace_delete",
  ]);
});
