// Writes src/operations/commands.gen.ts, which module has the operation behind each command; command-words.gen.ts, their words and
// which of them the daemon answers; and src/base/calls.gen.ts, which calls and fields a sentence may name. Reads the table's modules, knows none of them by name.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { importSource } from "./import-source.mjs";
import { root } from "./step.mjs";

const FOLDER = join("src", "operations");
const INDEX = "commands.gen.ts";
const CALLS = join("src", "base", "calls.gen.ts");
const WORDS = "command-words.gen.ts";
const target = process.argv[2] ?? root;

const modules = readdirSync(join(root, FOLDER))
  .filter((name) => name.endsWith(".ts") && exportsOperations(name))
  .map((name) => name.replace(/ts$/u, "js"))
  .toSorted();
const loaded = await importSource([
  ...modules.map((name, at) => `export * as m${at} from "./${FOLDER}/${name}";`),
  `export * as table from "./${FOLDER}/table.ts";`,
]);
const { table } = loaded;
const rows = modules.flatMap((name, at) =>
  Object.entries(loaded[`m${at}`])
    .filter(([, value]) => typeof value?.name === "string" && value.effect !== undefined)
    .map(([exported, operation]) => ({ name, exported, operation })),
);
const commands = rows
  .filter(({ operation }) => operation.cli !== undefined)
  .map((row) => ({ ...row, path: row.operation.cli.path }))
  .toSorted((left, right) => (left.path.join(" ") < right.path.join(" ") ? -1 : 1));
write(join(FOLDER, INDEX), textOf(commands));
write(join(FOLDER, WORDS), textOfWords(commands, table.shortWords));
write(CALLS, callsText(rows.map(({ operation }) => operation)));

function exportsOperations(name) {
  return /^export const \w+ = operation\(/mu.test(readFileSync(join(root, FOLDER, name), "utf8"));
}

function write(path, text) {
  mkdirSync(join(target, dirname(path)), { recursive: true });
  writeFileSync(join(target, path), text);
}

function callsText(operations) {
  const lines = operations
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, input }) => {
      const fields = Object.keys(input.shape).map((field) => JSON.stringify(field));
      return `  readonly ${name}: ${fields.join(" | ") || "never"};\n`;
    });
  return [
    "// Generated from the operation table by `make generate`: which calls, and which fields of them, a sentence may name.\n\n",
    "export interface CallFields {\n",
    ...lines,
    "}\n",
  ].join("");
}

function textOf(rows) {
  const lines = rows.map(
    ({ path, operation, name, exported }) =>
      `  { path: ${JSON.stringify(path)}, operation: ${JSON.stringify(operation.name)}, load: async () => (await import("./${name}")).${exported} },\n`,
  );
  return [
    "// Generated from the operation table by `make generate`: where the operation behind a command is, so that it loads no other.\n",
    'import type { Operation } from "./operation.js";\n\n',
    "export interface IndexedCommand {\n  readonly path: readonly string[];\n  /** Its name. */\n  readonly operation: string;\n  load(): Promise<Operation>;\n}\n\n",
    "export const indexedCommands: readonly IndexedCommand[] = [\n",
    ...lines,
    "];\n",
  ].join("");
}

function textOfWords(rows, shortWords) {
  const paths = (found) => found.map(({ path }) => `  ${JSON.stringify(path)},\n`);
  const isOfDaemon = ({ operation }) => operation.inCaller === undefined;
  return [
    "// Generated from the operation table by `make generate`: the words of its commands, without the commands.\n\n",
    "/** What the daemon answers, nothing in the caller's process. */\n",
    "export const daemonCommands: readonly (readonly string[])[] = [\n",
    ...paths(rows.filter(isOfDaemon)),
    "];\n\n",
    "export const callerCommands: readonly (readonly string[])[] = [\n",
    ...paths(rows.filter((row) => !isOfDaemon(row))),
    "];\n\n",
    "/** What may be typed for a word of a command → the word. */\n",
    `export const shortWords: Readonly<Record<string, string>> = ${JSON.stringify(shortWords)};\n`,
  ].join("");
}
