// Proves that the index of commands finds for every command what a look through the whole table finds.

import { expect, test } from "vitest";
import { indexedCommands } from "../../src/operations/commands.gen.js";
import { operations } from "../../src/operations/table.js";
import type { Operation } from "../../src/operations/operation.js";

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
