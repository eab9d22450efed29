// Proves that the contract is what the operation table says, and that the table and the list of what is planned agree.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { oldestNode } from "../../src/base/node-version.js";
import type { Operation } from "../../src/operations/operation.js";
import { planned, plannedBy, plannedNames, type PlannedKind } from "../../src/operations/planned.js";
import { modes } from "../../src/operations/serve-choices.js";
import { operations } from "../../src/operations/table.js";
import type { Command } from "../../src/surface/cli/command.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { flagsOf } from "../../src/surface/cli/flags.js";
import { contractPage } from "../../src/surface/docs/contract-page.js";
import { modeShapes } from "../../src/surface/mcp/modes.js";
import { mcpShapeOf, toolsOf } from "../../src/surface/mcp/tools.js";
import { sourceFiles } from "./checkout.js";

const commands = allCommands().filter(({ hidden }) => !hidden);
const pathOf = ({ path }: Command) => path.join(" ");
const table: readonly Operation[] = operations;

test("docs/contract.md is what `make generate` writes", () => {
  const document = readFileSync(new URL("../../docs/contract.md", import.meta.url), "utf8");
  expect(document).toBe(contractPage(document));
});

test("nothing is built and planned", () => {
  const built: Readonly<Record<Exclude<PlannedKind, "profiles" | "modes">, readonly string[]>> = {
    commands: commands.map(pathOf),
    flags: commands.flatMap((command) => flagsOf(command).map(({ name }) => `${pathOf(command)} --${name}`)),
    tools: table.flatMap(({ name, mcp }) => (mcp === undefined ? [] : [name])),
    sdk: table.flatMap(({ sdk }) => sdk ?? []),
  };
  const both = Object.entries(built).flatMap(([kind, names]) =>
    plannedNames(kind as keyof typeof built).filter((name) => names.includes(name)),
  );
  expect(both).toEqual([]);
});

test("planned flags belong to commands that are built", () => {
  const owners = plannedNames("flags").map((name) => name.replace(/ --.*$/u, ""));
  expect(owners.filter((owner) => !commands.some((command) => pathOf(command) === owner))).toEqual([]);
});

test("a profile or mode is planned exactly as long as one of its tools is", () => {
  const isPlanned = (name: string) => plannedBy("tools", name) !== undefined;
  expect(plannedNames("profiles")).toEqual(plannedNames("tools").length > 0 ? ["workspace-full"] : []);
  expect(sorted(plannedNames("modes"))).toEqual(sorted(modes.filter((mode) => modeShapes[mode].tools.some(isPlanned))));
});

test("a mode offers exactly its tools, planned ones aside, and nothing that is neither built nor planned", () => {
  for (const mode of modes) {
    const offered = toolsOf({ profile: "workspace-core", mode }).map(({ tool }) => tool.name);
    const ahead = modeShapes[mode].tools.filter((name) => plannedBy("tools", name) !== undefined);
    expect({ mode, tools: sorted([...offered, ...ahead]) }).toEqual({ mode, tools: sorted(modeShapes[mode].tools) });
  }
});

test("nothing is planned twice", () => {
  const kinds: readonly PlannedKind[] = ["commands", "flags", "tools", "profiles", "modes", "sdk"];
  for (const kind of kinds) expect(new Set(plannedNames(kind)).size).toBe(plannedNames(kind).length);
  expect(new Set(planned.map(({ brings }) => brings)).size).toBe(planned.length);
});

test("operations have names, summaries and descriptions that surfaces can show", () => {
  for (const each of table) {
    const { name, title, summary } = each;
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/u);
    expect(title.length).toBeLessThanOrEqual(40);
    expect(summary).toMatch(/^[A-Z].*[^.]\.$/u);
    expect((mcpShapeOf(each)?.description ?? "").length).toBeLessThanOrEqual(600);
  }
});

test("a command whose input and output are passed through says of its result that it is a command's outcome", () => {
  const passing = table.filter(({ cli }) => cli?.passThrough === true);
  expect(passing.map(({ name, ran }) => ({ name, saysSo: ran !== undefined }))).toEqual([
    { name: "vm_run", saysSo: true },
    { name: "workspace_exec", saysSo: true },
  ]);
});

test("the package's name, command and Node are what the contract names", () => {
  const { name, bin, engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect({ name, bin, engines }).toEqual({
    name: "pyro-mcp",
    bin: { pyro: "dist/pyro.js" },
    engines: { node: `>=${oldestNode}` },
  });
});

test("zod is imported so that the bundle keeps only what is used of it, 560 KB less", () => {
  const wrong = sourceFiles().filter(
    ({ path, text }) => path.startsWith("src/") && /import (type )?\{[^}]*\} from "zod"/u.test(text),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

function sorted(names: readonly string[]): string[] {
  return [...names].sort();
}
