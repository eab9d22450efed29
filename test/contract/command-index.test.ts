// Proves that the index of commands finds for every command what a look through the whole table finds, and the bundle that has it.

import { expect, test } from "vitest";
import { indexedCommands } from "../../src/operations/commands.gen.js";
import { operations } from "../../src/operations/table.js";
import type { Operation } from "../../src/operations/operation.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { entryFor } from "../../src/surface/cli/words.js";

test("the index has every operation with a command, and loads that very operation", async () => {
  const table: readonly Operation[] = operations;
  const expected = table.flatMap((operation) => (operation.cli === undefined ? [] : [operation]));
  const loaded = await Promise.all(indexedCommands.map(async ({ path, load }) => ({ path, operation: await load() })));
  expect(new Set(loaded.map(({ path }) => path.join(" ")))).toEqual(
    new Set(expected.map(({ cli }) => cli?.path.join(" "))),
  );
  for (const { path, operation } of loaded) {
    expect(expected.find(({ cli }) => cli?.path.join(" ") === path.join(" "))).toBe(operation);
  }
});

test("the small bundle runs every command that works in the daemon alone, and none that does not", () => {
  const table: readonly Operation[] = operations;
  const small = table.filter(({ inCaller }) => inCaller === undefined).map(({ cli }) => cli?.path.join(" "));
  // What a shell asks at each press of Tab.
  small.push("completion names");
  for (const { path } of allCommands()) {
    const words = path.join(" ");
    const expected = words === "mcp serve" ? "mcp" : small.includes(words) ? "command" : "any";
    expect([words, entryFor(["--json", ...path, "--help"])]).toEqual([words, expected]);
    expect([words, entryFor([...path.slice(0, 1), "--json", ...path.slice(1), "word"])]).toEqual([words, expected]);
  }
});

test.each([
  [[]],
  [["--help"]],
  [["workspace"]],
  [["workspace", "snapshot", "create"]],
  [["worskpace", "list"]],
  [["mcp"]],
])("words that are no command go to the bundle that has all: %j", (words) => expect(entryFor(words)).toBe("any"));
