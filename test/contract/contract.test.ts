// Proves that the contract, the operation table and the list of what is planned say the same.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorCodes } from "../../src/base/error.js";
import { profiles, type Operation } from "../../src/operations/operation.js";
import { planned, plannedBy, plannedNames, type PlannedKind } from "../../src/operations/planned.js";
import { modes } from "../../src/operations/serve-choices.js";
import { operations } from "../../src/operations/table.js";
import type { Command } from "../../src/surface/cli/command.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { exitCodes } from "../../src/surface/cli/exit.js";
import { flagsOf, positionalTitle, positionalsOf } from "../../src/surface/cli/flags.js";
import { modeShapes } from "../../src/surface/mcp/modes.js";
import { toolsOf } from "../../src/surface/mcp/tools.js";
import { sourceFiles } from "./checkout.js";
import { readContract } from "./contract-document.js";

const contract = readContract();
const built = allCommands().filter(({ hidden }) => !hidden);
const pathOf = ({ path }: Command) => path.join(" ");
const table: readonly Operation[] = operations;

test("every command is in the contract as built or as planned, and the other way round", () => {
  expect(sorted([...built.map(pathOf), ...plannedNames("commands")])).toEqual(
    sorted(contract.commands.map(({ path }) => path)),
  );
});

test("every built command has the contract's arguments and flags, or they are planned", () => {
  for (const command of built) {
    const promised = contract.commands.find(({ path }) => path === pathOf(command));
    const ahead = plannedNames("flags").filter((name) => name.startsWith(`${pathOf(command)} --`));
    const own = flagsOf(command);
    const flags = own.map((flag) => [`--${flag.name}`, String(flag.default || "")] as const);
    const repeated = own.filter((flag) => flag.repeated).map(({ name }) => `--${name}`);
    const missing = ahead.map((name) => name.slice(pathOf(command).length + 1));
    expect({
      path: pathOf(command),
      positionals: positionalsOf(command).map((field) =>
        field.required ? positionalTitle(field) : `[${positionalTitle(field)}]`,
      ),
      flags: sorted([...flags.map(([name]) => name), ...missing]),
      defaults: flags.map(([, value]) => value),
      repeated: sorted(repeated),
      takesRest: command.rest !== undefined,
    }).toEqual({
      path: promised?.path,
      positionals: promised?.positionals,
      flags: sorted([...(promised?.flags.keys() ?? [])]),
      defaults: flags.map(([name]) => promised?.flags.get(name)),
      repeated: sorted((promised?.repeated ?? []).filter((name) => !missing.includes(name))),
      takesRest: promised?.takesRest,
    });
  }
});

test("planned flags belong to commands that are built", () => {
  const owners = plannedNames("flags").map((name) => name.replace(/ --.*$/u, ""));
  expect(owners.filter((owner) => !built.some((command) => pathOf(command) === owner))).toEqual([]);
});

test("every tool of every profile is built or planned, and nothing else is", () => {
  for (const [profile, promised] of contract.profiles) {
    const ofTable = table.filter(({ mcp }) => mcp?.profiles.some((each) => each === profile)).map(({ name }) => name);
    const ahead = plannedNames("tools").filter((name) => promised.includes(name));
    expect({ profile, tools: sorted([...ofTable, ...ahead]) }).toEqual({ profile, tools: sorted(promised) });
  }
  const everything = new Set([...contract.profiles.values()].flat());
  expect(plannedNames("tools").filter((name) => !everything.has(name))).toEqual([]);
});

test("a profile or mode is planned exactly as long as one of its tools is", () => {
  const incomplete = (lists: ReadonlyMap<string, readonly string[]>) =>
    [...lists]
      .filter(([, tools]) => tools.some((name) => plannedBy("tools", name) !== undefined))
      .map(([name]) => name);
  expect(sorted(plannedNames("profiles"))).toEqual(sorted(incomplete(contract.profiles)));
  expect(sorted(plannedNames("modes"))).toEqual(sorted(incomplete(contract.modes)));
});

test("a profile that is built offers exactly its tools", () => {
  for (const profile of profiles.filter((each) => plannedBy("profiles", each) === undefined)) {
    expect(sorted(toolsOf({ profile }).map(({ tool }) => tool.name))).toEqual(
      sorted(contract.profiles.get(profile) ?? []),
    );
  }
});

test("a mode offers exactly its tools, planned ones aside", () => {
  for (const mode of modes) {
    const promised = contract.modes.get(mode) ?? [];
    expect(sorted(modeShapes[mode].tools)).toEqual(sorted(promised));
    const offered = toolsOf({ profile: "workspace-core", mode }).map(({ tool }) => tool.name);
    expect(sorted(offered)).toEqual(sorted(promised.filter((name) => plannedBy("tools", name) === undefined)));
  }
  expect([...contract.modes.keys()]).toEqual([...modes]);
});

test("every SDK method is built or planned", () => {
  const methods = table.flatMap(({ sdk }) => sdk ?? []);
  expect(sorted([...methods, ...plannedNames("sdk")])).toEqual(sorted(contract.sdk));
});

test("every error code has the contract's exit code", () => {
  expect(exitCodes).toEqual(contract.errors);
  expect(sorted(errorCodes)).toEqual(sorted(Object.keys(contract.errors)));
});

test("nothing is planned twice", () => {
  const kinds: readonly PlannedKind[] = ["commands", "flags", "tools", "profiles", "modes", "sdk"];
  for (const kind of kinds) expect(new Set(plannedNames(kind)).size).toBe(plannedNames(kind).length);
  expect(new Set(planned.map(({ brings }) => brings)).size).toBe(planned.length);
});

test("operations have names, summaries and descriptions that surfaces can show", () => {
  for (const { name, title, summary, mcp } of table) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/u);
    expect(title.length).toBeLessThanOrEqual(40);
    expect(summary).toMatch(/^[A-Z].*[^.]\.$/u);
    expect((mcp?.description ?? "").length).toBeLessThanOrEqual(600);
  }
});

test("the package's exports and command are what the contract names", () => {
  const { name, bin } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect({ name, bin }).toEqual({ name: "pyro-mcp", bin: { pyro: "dist/pyro.js" } });
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
