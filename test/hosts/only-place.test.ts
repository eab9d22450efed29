// Proves that `pyro host connect --only-here` leaves a model no place to run commands but a workspace, and that disconnecting takes it back.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDesk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts, type ChatHost } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { createAndDelete } from "./recipe.js";

/** In the project, and the host's own tools that run commands or change files: gone with it. */
const guards: Readonly<Record<ChatHost, { readonly file: string; readonly gone: readonly string[] }>> = {
  "claude-code": { file: ".claude/settings.local.json", gone: ["Bash", "Monitor", "Edit", "Write", "NotebookEdit"] },
  codex: { file: ".codex/config.toml", gone: ["exec_command", "write_stdin", "shell", "apply_patch"] },
  opencode: { file: "opencode.json", gone: ["bash", "edit", "write", "patch"] },
};

test.each(chatHosts)("[host-only-place] %s has no shell of its own then, and works in a workspace", async (host) => {
  await using desk = await openDesk(host);
  await using model = await startModel(headlessHosts[host].wire, createAndDelete);
  const { file, gone } = guards[host];
  const before = desk.project.git("status", "--short", "--ignored");
  expect(await desk.pyro("host", "connect", host, "--only-here")).toMatchObject({ code: 0 });
  expect(existsSync(join(desk.project.path, file))).toBe(true);
  const trust = `\n[projects.${JSON.stringify(desk.project.path)}]\ntrust_level = "trusted"\n`;
  const config = join(desk.user, ".codex", "config.toml");
  if (host === "codex") appendFileSync(config, trust);

  const { code } = await desk.prompt("Make a workspace.", model.url).finished;
  expect({ problems: model.problems, code }).toEqual({ problems: [], code: 0 });
  expect(model.calls.map(({ tool }) => tool)).toEqual(["workspace_create", "workspace_exec", "workspace_delete"]);
  expect(gone.filter((name) => model.offered?.hostTools.includes(name))).toEqual([]);

  expect(await desk.pyro("host", "disconnect", host)).toMatchObject({ code: 0 });
  expect(desk.project.git("status", "--short", "--ignored")).toBe(before);
  expect(await desk.pyro("host", "doctor", host)).toMatchObject({ code: 69 });
  const trusted = existsSync(config) ? readFileSync(config, "utf8").includes(trust.trim()) : false;
  expect(trusted).toBe(host === "codex");
});
