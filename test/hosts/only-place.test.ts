// Proves the settings with which a workspace is the only place where a model runs commands, as the page of each host shows them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { openDesk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHosts, type ChatHost } from "./hosts.js";
import { startModel } from "./models/scripted-model.js";
import { createAndDelete } from "./recipe.js";

interface Settings {
  /** In the user's HOME. */
  readonly file: string;
  /** The file with the settings of the page in it; it has our entry where the host keeps that in the same file. */
  change(text: string): string;
  /** The host's own tools that run commands or change files: gone with these settings. */
  readonly gone: readonly string[];
}

const settings: Readonly<Record<ChatHost, Settings>> = {
  "claude-code": {
    file: ".claude/settings.json",
    change: () => JSON.stringify({ permissions: { allow: ["mcp__pyro"], deny: ["Bash"] } }),
    gone: ["Bash"],
  },
  codex: {
    file: ".codex/config.toml",
    change: (text) =>
      `${text.replace("[mcp_servers.pyro]", '$&\ndefault_tools_approval_mode = "approve"')}\n[features]\nshell_tool = false\n`,
    gone: ["exec_command", "write_stdin", "shell"],
  },
  opencode: {
    file: ".config/opencode/opencode.json",
    change: (text) => JSON.stringify({ ...Object(JSON.parse(text)), permission: { bash: "deny" } }),
    gone: ["bash"],
  },
};

test.each(chatHosts)("[host-only-place] %s has no shell of its own then, and asks nothing about ours", async (host) => {
  await using desk = await openDesk(host);
  await using model = await startModel(headlessHosts[host].wire, createAndDelete);
  expect(await desk.pyro("host", "connect", host)).toMatchObject({ code: 0 });
  const { file, change, gone } = settings[host];
  const path = join(desk.user, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, change(file.includes("settings") ? "" : readFileSync(path, "utf8")));
  const { code } = await desk.prompt("Make a workspace.", model.url, { leave: false }).finished;
  expect({ problems: model.problems, code }).toEqual({ problems: [], code: 0 });
  expect(model.calls.map(({ tool }) => tool)).toEqual(["workspace_create", "workspace_exec", "workspace_delete"]);
  expect(gone.filter((name) => model.offered?.hostTools.includes(name))).toEqual([]);
});
