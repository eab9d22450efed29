// Proves that a command for several things does each, says which failed, asks before it takes all, and answers in one document.
import { expect, test } from "vitest";
import { asPyroError, PyroError } from "../../../../src/base/error.js";
import { workspaceDeleteOperation } from "../../../../src/operations/workspace.js";
import { commandOf, type CommandContext } from "../../../../src/surface/cli/command.js";
import { runOperation } from "../../../../src/surface/cli/run-operation.js";
import { runSeveral, type Chosen } from "../../../../src/surface/cli/several.js";
import { fakeDaemon } from "../fake-daemon.js";

const command = commandOf(workspaceDeleteOperation, runOperation);

async function deleted(chosen: Chosen, { json = false, has = [] as readonly string[] } = {}) {
  if (command === undefined) throw new Error("no command");
  const { connector, calls } = fakeDaemon(({ name, input }) => {
    if (name === "workspace_list") return { workspaces: has.map(view), quarantined: [], newer: [] };
    const { workspace_id: id } = input as { workspace_id: string };
    if (id === "gone") throw new PyroError("not_found", "There is no workspace gone.");
    if (id === "interrupted") throw new PyroError("canceled", "Canceled by SIGINT.");
    return { workspace_id: id, deleted: true };
  });
  let shown = "";
  const write = (data: string | Uint8Array) => Promise.resolve(void (shown += String(data)));
  const sink = { isTerminal: false, columns: () => 80, write, pass: write };
  const context = {
    connector,
    json,
    stdout: sink,
    stderr: sink,
    selection: undefined,
    outputFailed: new AbortController().signal,
  };
  const report = async (error: unknown, { stdout }: CommandContext) => {
    const { code, message } = asPyroError(error);
    await stdout.pass(json ? JSON.stringify({ error: { code, message } }) : `${message}\n`);
    return 66;
  };
  const own = context as unknown as CommandContext;
  const code = await runSeveral(command, { chosen, report }, own).catch((error: Error) => error.message);
  return { code, shown, calls: calls.map(({ name, input }) => [name, input]) };
}

const ids = (...names: readonly string[]) => names.map((id) => ({ workspace_id: id }));

test("each is deleted, one that fails does not keep the others, and the exit code tells of it", async () => {
  expect(await deleted(ids("a", "gone", "b"))).toEqual({
    code: 66,
    shown: "Deleted a.\nThere is no workspace gone.\nDeleted b.\n",
    calls: ids("a", "gone", "b").map((input) => ["workspace_delete", input]),
  });
});

test("an interrupt ends all of it", async () => {
  const { code, calls } = await deleted(ids("a", "interrupted", "b"));
  expect([code, calls.length]).toEqual(["Canceled by SIGINT.", 2]);
});

test("--json is one document with a result or an error for each", async () => {
  const { shown } = await deleted(ids("a", "gone"), { json: true });
  expect(JSON.parse(shown)).toEqual({
    results: [
      { workspace_id: "a", deleted: true },
      { error: { code: "not_found", message: "There is no workspace gone." } },
    ],
  });
});

test("--all without a terminal and without --yes deletes nothing, with --yes all", async () => {
  const refused = await deleted({ all: true, yes: false }, { has: ["a"] });
  expect(refused).toMatchObject({ code: expect.stringContaining("--all asks before it begins"), calls: [] });
  const { code, calls } = await deleted({ all: true, yes: true }, { has: ["a", "b"] });
  expect([code, calls.slice(1)]).toEqual([0, ids("a", "b").map((input) => ["workspace_delete", input])]);
  expect(await deleted({ all: true, yes: true })).toMatchObject({ code: 0, shown: "pyro: There are no workspaces.\n" });
});

function view(id: string) {
  const never = {
    last_reset_at: null,
    stopped_at: null,
    deletes_at: null,
    failure: null,
    phase: null,
    workspace_seed: null,
  };
  return {
    ...{ workspace_id: id, name: null, labels: {}, state: "running", environment: "debian:12", vcpu_count: 1 },
    ...{ mem_mib: 1024, ttl_seconds: 0, network_policy: "off", created_at: "", last_active_at: "", ...never },
  };
}
