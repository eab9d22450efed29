// Proves that a chat host that goes away in the middle of a command leaves no process, and a workspace in which its next session goes on.

import { deepStrictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { eventually } from "../e2e/eventually.js";
import { commandsOf, openDesk, workspacesOf, type Desk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { oneCommand, resume } from "./recipe.js";

/** What Ctrl-C does in a terminal, and what no program can prepare for. */
const ends = {
  "Ctrl-C": ({ group }) => process.kill(-group, "SIGINT"),
  "kill -9": ({ desk }) => process.kill(parentOf(serverOf(desk)), "SIGKILL"),
} as const satisfies Record<string, (running: { readonly desk: Desk; readonly group: number }) => void>;

const cases = chatHosts.flatMap((host) => Object.entries(ends).map(([way, end]) => ({ host, way, end })));

test.each(cases)(
  "[host-interrupted] $way of $host ends its server and the command; the next session goes on in the workspace",
  async ({ host, end }) => {
    await using desk = await openDesk(host);
    await using model = await startModel(headlessHosts[host].wire, oneCommand("echo begun; sleep 100", 100));
    expect(await desk.pyro("host", "connect", host)).toMatchObject({ code: 0 });
    const running = desk.prompt("Run the slow test.", model.url);
    const [id = ""] = await eventually(
      () => workspacesOf(desk.home),
      (ids) => ids.length > 0,
    );
    const begun = await eventually(
      () => commandsOf(desk, id),
      ([one]) => one?.state === "running",
    );
    expect(begun).toMatchObject([{ state: "running" }]);

    end({ desk, group: running.child.pid ?? 0 });
    await running.finished;
    deepStrictEqual(await eventually(desk.processes, (left) => left.length === 0), []);
    const ended = await eventually(
      () => commandsOf(desk, id),
      ([one]) => one?.state !== "running",
    );
    expect(ended).toMatchObject([{ state: "exited", canceled: true }]);
    expect(await workspacesOf(desk.home)).toEqual([id]);
    await using nextModel = await startModel(headlessHosts[host].wire, resume);
    const { code } = await desk.prompt("Go on where you were.", nextModel.url).finished;
    expect({ problems: nextModel.problems, code }).toEqual({ problems: [], code: 0 });
    expect(nextModel.calls.map(({ args }) => args["workspace_id"])).toEqual([undefined, id, id]);
    expect(await workspacesOf(desk.home)).toEqual([]);
  },
);

function serverOf(desk: Desk): number {
  const server = desk.processes().find(({ argv }) => argv.includes("mcp") && argv.includes("serve"));
  if (server === undefined) throw new Error("The host runs no server of ours.");
  return server.pid;
}

function parentOf(pid: number): number {
  const parent = /^PPid:\s+(\d+)$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(parent);
}
