// Proves that each real chat host, without a person, takes a change from a failing test to an exported fix, on real machines.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Finished } from "../e2e/command.js";
import { openDesk, workspacesOf, type Desk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { fixedModule } from "./project.js";
import { exportedName, lastWords, prompt, reproFix } from "./recipe.js";
import { connectCommand, record, type Timed } from "./transcript.js";

/** What the mode repro-fix offers. */
const tools = [
  "workspace_create",
  "workspace_delete",
  "workspace_diff",
  "workspace_exec",
  "workspace_export",
  "workspace_file_list",
  "workspace_file_read",
  "workspace_file_write",
  "workspace_list",
  "workspace_logs",
  "workspace_patch_apply",
  "workspace_reset",
  "workspace_status",
  "workspace_summary",
  "workspace_sync_push",
  "workspace_update",
  "workspace_wait",
];

/** Those that Claude Code leaves to a search; its model has all others from the start. */
const searched = [
  "workspace_file_list",
  "workspace_list",
  "workspace_summary",
  "workspace_sync_push",
  "workspace_update",
];

test.each(chatHosts)(
  "[host-recipe] %s reproduces, patches, tests, diffs, exports, resets and deletes",
  async (host) => {
    await using desk = await openDesk(host, { cold: true });
    const { wire, answerOf } = headlessHosts[host];
    await using model = await startModel(wire, reproFix);
    const before = changesIn(desk);

    const prepared = await timed(() => desk.pyro("prepare", "debian:12"));
    expect(prepared.outcome).toMatchObject({ code: 0 });
    const connected = await timed(() => desk.pyro(...connectCommand(host)));
    expect(connected.outcome).toMatchObject({ code: 0 });

    const prompted = await timed(() => desk.prompt(prompt, model.url).finished);
    const { code, stdout, stderr } = prompted.outcome;
    const seen = { problems: model.problems, code, stderr: code === 0 ? "" : stderr };
    expect(seen).toEqual({ problems: [], code: 0, stderr: "" });
    expect(answerOf(stdout.toString())).toBe(lastWords);
    expect(model.offered?.tools).toEqual(tools.filter((name) => host !== "claude-code" || !searched.includes(name)));
    expect(model.calls.map(({ tool }) => tool)).toEqual([
      "workspace_create",
      "workspace_exec",
      "workspace_patch_apply",
      "workspace_exec",
      "workspace_diff",
      "workspace_export",
      "workspace_reset",
      "workspace_delete",
    ]);
    expect(readFileSync(join(desk.project.path, exportedName), "utf8")).toBe(fixedModule);
    expect(changesIn(desk)).toEqual([...before, `?? ${exportedName}`].toSorted());
    expect(await workspacesOf(desk.home)).toEqual([]);
    await record({ host, desk, model, prompt, answer: lastWords, prepared, connected, prompted });
  },
);

async function timed(start: () => Promise<Finished>): Promise<Timed> {
  const startedAt = performance.now();
  const outcome = await start();
  return { startedAt, endedAt: performance.now(), outcome };
}

/** What differs from the last commit, ignored files included. */
function changesIn({ project }: Desk): readonly string[] {
  return project.git("status", "--short", "--ignored").split("\n").filter(Boolean).toSorted();
}
