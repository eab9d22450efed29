// Proves that documents lead where they say: links and their headings exist, and every command that they show is one.

import { existsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { parseCommandArguments } from "../../src/surface/cli/arguments.js";
import { writtenOut } from "../../src/surface/cli/words.js";
import { longestMatch, nextWords } from "../../src/surface/cli/command.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { plannedBy } from "../../src/operations/planned.js";
import { checkoutFiles } from "./checkout.js";
import { shellCommands } from "./shell-commands.js";

const root = join(import.meta.dirname, "..", "..");
const documents = checkoutFiles((path) => path.endsWith(".md"));
const commands = allCommands();

/** The anchors that GitHub gives the headings. */
function anchorsOf(path: string): readonly string[] {
  const text = documents.find((document) => document.path === path)?.text ?? "";
  const headings = [...text.replaceAll(/^```[^]*?^```/gmu, "").matchAll(/^#+ (.*)$/gmu)];
  return headings.map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("every relative link leads to a file, and to a heading where it names one", () => {
  const broken = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/gu)].flatMap(([, target = ""]) => {
      const [file = "", anchor] = target.split("#");
      const full = file === "" ? join(root, path) : join(root, dirname(path), file);
      const isThere = existsSync(full) && (anchor === undefined || statSync(full).isFile());
      const hasAnchor = anchor === undefined || anchorsOf(relative(root, full)).includes(anchor);
      return isThere && hasAnchor ? [] : [`${path}: ${target}`];
    }),
  );
  expect(broken).toEqual([]);
});

test("the page of each chat host names the version that its tests install", () => {
  const pins = checkoutFiles((path) => path === "test/hosts/package.json").map(({ text }) => JSON.parse(text));
  const pages = documents.filter(({ path }) => /^docs\/integrations\/[^/]+\.md$/u.test(path));
  const named = pages.flatMap(({ text }) => {
    const [, program] = /^npm install -g (\S+)$/mu.exec(text) ?? [];
    const [, version] = /^Tried with version (\S+)\.$/mu.exec(text) ?? [];
    return [[program, version] as const];
  });
  expect(pins.map(({ dependencies }) => dependencies)).toEqual([Object.fromEntries(named)]);
});

const blocks = documents.flatMap(({ path, text }) =>
  [...text.matchAll(/^```(sh|console|text)\n([^]*?)^```/gmu)].flatMap(([, language, block = ""]) =>
    shellCommands(block, language === "sh").map((words) => ({ path, words })),
  ),
);

test("there are commands in the documents to look at", () => {
  expect(blocks.length).toBeGreaterThan(20);
});

test.each(blocks)("$path shows `$words`, which the command line accepts", async ({ words }) => {
  expect(await accepts(words)).toBe(true);
});

/** Help of a group, or a command with arguments that it takes; throws what the command line would say. */
async function accepts(words: readonly string[]): Promise<boolean> {
  const command = longestMatch(commands, words);
  if (command === undefined) return words[0] === "--version" || isGroup(words.filter((word) => word !== "--help"));
  const args = words.slice(command.path.length).filter((word) => word !== "--json");
  await parseCommandArguments(command, args, { read: () => Promise.resolve("text"), isPiped: () => true });
  return true;
}

function isPlanned(words: readonly string[]): boolean {
  return words.some((_word, index) => plannedBy("commands", words.slice(0, index + 1).join(" ")) !== undefined);
}

function isGroup(words: readonly string[]): boolean {
  return nextWords(commands, words).length > 0;
}

test("every command named in passing exists, or is planned", () => {
  const named = documents.flatMap(({ path, text }) =>
    [...text.replaceAll(/^```[^]*?^```/gmu, "").matchAll(/`\.?\/?pyro ([^`]*)`/gu)].map(([, rest = ""]) => ({
      path,
      words: writtenOut(rest.split(/\s+/u)),
    })),
  );
  const unknown = named.filter(({ words }) => {
    const other = words.findIndex((word) => !/^[a-z][a-z-]*$/u.test(word));
    const path = other === -1 ? words : words.slice(0, other);
    return longestMatch(commands, words) === undefined && !isGroup(path) && !isPlanned(path);
  });
  expect(unknown).toEqual([]);
});
