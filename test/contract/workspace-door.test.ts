// Proves that there is one door into a workspace: each operation says what it needs of it, and no other file chooses a lock or another state.

import { expect, test } from "vitest";
import { needsText } from "../../src/operations/needs.js";
import type { Operation } from "../../src/operations/operation.js";
import { operations } from "../../src/operations/table.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { commandHelp } from "../../src/surface/cli/help.js";
import { cliPage } from "../../src/surface/docs/cli-page.js";
import { mcpPage } from "../../src/surface/docs/mcp-page.js";
import { sdkPage } from "../../src/surface/docs/sdk-page.js";
import { checkoutFiles } from "./checkout.js";

const all: readonly Operation[] = operations;
const rooms = checkoutFiles((path) => path.startsWith("src/") && path.endsWith(".ts"));
const comment = /\/\*[^]*?\*\/|\/\/.*/gu;

/** Files of src whose code, without comments and imports, matches. */
function filesWith(pattern: RegExp): string[] {
  const statement = /^import\b[^;]*;/gmu;
  return rooms
    .filter(({ text }) => pattern.test(text.replaceAll(comment, "").replaceAll(statement, "")))
    .map(({ path }) => path);
}

test("an operation says what it needs of a workspace, and only where it has one", () => {
  const silent = all.filter(({ input, needs }) => "workspace_id" in input.shape !== (needs !== undefined));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test("what an operation needs stands in its help and its reference", () => {
  const pages = { cli: cliPage(), mcp: mcpPage(), sdk: sdkPage() };
  const untold = all.flatMap(({ name, needs, cli, sdk, mcp }) => {
    if (needs === undefined) return [];
    const text = needsText[needs];
    const command = allCommands().find(({ path }) => path.join(" ") === cli?.path.join(" "));
    const told = {
      help: command === undefined || commandHelp(command).includes(text),
      cli: command === undefined || sectionOf(pages.cli, `pyro ${command.path.join(" ")}`).includes(text),
      // Tools of a profile that is only planned have no section yet.
      mcp: mcp === undefined || !pages.mcp.includes(`\n## ${name}\n`) || sectionOf(pages.mcp, name).includes(text),
      sdk: sdk === undefined || sectionOf(pages.sdk, sdk).includes(text),
    };
    return Object.entries(told).flatMap(([where, isTold]) => (isTold ? [] : [`${name} in ${where}`]));
  });
  expect(untold).toEqual([]);
});

test("only the door chooses a workspace's lock, and only what begins or ends one holds it for itself", () => {
  const inWorkspace = (path: string) => path.startsWith("src/workspace/");
  expect({
    lock: filesWith(/\block\b/u).filter(inWorkspace),
    holdAlone: filesWith(/\bholdAlone\b/u),
    wake: filesWith(/\bwake\(/u).filter(inWorkspace),
  }).toEqual({
    lock: ["src/workspace/access.ts", "src/workspace/workspace.ts"],
    holdAlone: ["src/workspace/access.ts", "src/workspace/life/create.ts", "src/workspace/life/lifecycle.ts"],
    wake: ["src/workspace/access.ts", "src/workspace/workspaces.ts"],
  });
});

test("only what begins or ends a workspace changes its state", () => {
  expect(filesWith(/\.(?:change|enforce)\(\{/u).filter((path) => !path.startsWith("src/workspace/life/"))).toEqual([]);
});

/** Below the heading, up to the next. */
function sectionOf(page: string, heading: string): string {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  return section.split("\n## ")[0] ?? "";
}
