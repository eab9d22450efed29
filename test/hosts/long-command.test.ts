// Proves that a command which takes longer than any call may does not hit the limit of a real chat host.

import { expect, test } from "vitest";
import { leastTime, patientClients } from "../../src/surface/mcp/answer-time.js";
import { openDesk, workspacesOf } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts, type ChatHost } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { lastWords, longCommand } from "./recipe.js";

/** Seconds; more than a call of this host may take, which is less than it waits. */
const longSeconds: Readonly<Record<ChatHost, number>> = {
  "claude-code": beyond("claude-code"),
  codex: beyond("codex-mcp-client"),
  opencode: beyond("opencode"),
};

function beyond(client: string): number {
  const { answer } = patientClients.find(({ name }) => name === client) ?? leastTime;
  return answer + 10;
}

test.concurrent.each(chatHosts)("[host-in-time] %s hears of a long command in time and waits for it", async (host) => {
  await using desk = await openDesk(host);
  const { wire, answerOf } = headlessHosts[host];
  await using model = await startModel(wire, longCommand(`echo begun; sleep ${longSeconds[host]}; echo over`));
  expect(await desk.pyro("host", "connect", host)).toMatchObject({ code: 0 });
  const { code, stdout } = await desk.prompt("Run the slow test.", model.url).finished;
  expect({ problems: model.problems, code }).toEqual({ problems: [], code: 0 });
  expect(answerOf(stdout.toString())).toBe(lastWords);
  const tools = ["workspace_create", "workspace_exec", "workspace_wait", "workspace_delete"];
  expect(model.calls.map(({ tool }) => tool)).toEqual(tools);
  expect(await workspacesOf(desk.home)).toEqual([]);
});
