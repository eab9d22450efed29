// Proves that each real chat host, without a person, takes a change from a failing test to an exported fix, on real machines.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDesk, workspacesOf, type Desk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { fixedModule } from "./project.js";
import { exportedName, lastWords, prompt, reproFix } from "./recipe.js";
import { record } from "./transcript.js";

test.each(chatHosts)(
  "[host-recipe] %s reproduces, patches, tests, diffs, exports, resets and deletes",
  async (host) => {
    await using desk = await openDesk(host);
    const { wire, answerOf } = headlessHosts[host];
    await using model = await startModel(wire, reproFix);
    const before = changesIn(desk);

    const connectStartedAt = performance.now();
    const connected = await desk.connect();
    const connect = {
      startedAt: connectStartedAt,
      endedAt: performance.now(),
      printed: `${connected.stdout.toString()}${connected.stderr}`,
    };
    expect(connected).toMatchObject({ code: 0 });
    const changedFiles = filesOf(desk);

    const startedAt = performance.now();
    const { code, stdout, stderr } = await desk.prompt(prompt, model.url).finished;
    const endedAt = performance.now();
    const seen = { problems: model.problems, code, stderr: code === 0 ? "" : stderr };
    expect(seen).toEqual({ problems: [], code: 0, stderr: "" });
    expect(answerOf(stdout.toString())).toBe(lastWords);
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
    await record({ host, desk, model, prompt, answer: lastWords, connect, changedFiles, startedAt, endedAt });
  },
);

/** What differs from the last commit, ignored files included. */
function changesIn({ project }: Desk): readonly string[] {
  return project.git("status", "--short", "--ignored").split("\n").filter(Boolean).toSorted();
}

/** Files below HOME that are not the project's. */
function filesOf({ user, project }: Desk): readonly string[] {
  return readdirSync(user, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(`${project.path}/`));
}
