// Proves that docs/reference is what the table generates, and that its examples are accepted.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseCommandArguments } from "../../src/surface/cli/arguments.js";
import { findCommand } from "../../src/surface/cli/command.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { referencePages } from "../../src/surface/docs/reference.js";

const folder = join(import.meta.dirname, "..", "..", "docs", "reference");

test("docs/reference is what `make generate` writes", () => {
  const kept = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
  expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(referencePages()));
});

test("every pyro command in an example of the reference, README or help is accepted", async () => {
  const readme = readFileSync(join(folder, "..", "..", "README.md"), "utf8");
  const examples = [...referencePages().values(), readme]
    .flatMap((text) => [...text.matchAll(/^\$ (.*)$/gmu)])
    .flatMap((match) => [...(match[1] ?? "").matchAll(/(?:^|\| |\.\/)pyro ([^|<>]*)/gu)])
    .map((match) =>
      (match[1] ?? "")
        .replaceAll(/'[^']*'/gu, "quoted")
        .trim()
        .split(/\s+/u),
    );
  expect(examples.length).toBeGreaterThan(3);
  for (const words of examples) {
    const command = findCommand(allCommands(), words);
    if (command === undefined) throw new Error(`no such command: pyro ${words.join(" ")}`);
    const args = words.slice(command.path.length).filter((word) => word !== "--json");
    expect((await parseCommandArguments(command, args, () => Promise.resolve("text"))).kind).toBe("input");
  }
});
