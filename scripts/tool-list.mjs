// Writes src/surface/mcp/listed-tools.gen.ts: what the MCP server answers to tools/list, so that it builds no schema for that. Reads what
// src/surface/mcp/tools.ts makes of the table; knows no tool by name.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importSource } from "./import-source.mjs";
import { root } from "./step.mjs";

const FILE = join("src", "surface", "mcp", "listed-tools.gen.ts");
const target = process.argv[2] ?? root;

const { toolsOf, profiles, operations } = await importSource([
  'export * from "./src/surface/mcp/tools.js";',
  'export { profiles } from "./src/operations/operation.js";',
  'export { operations } from "./src/operations/table.js";',
]);
const offered = profiles.map((profile) => [profile, toolsOf({ profile }).map(({ tool }) => tool)]);
const tools = new Map(offered.flatMap(([, each]) => each.map((tool) => [tool.name, tool])));
const inOrder = operations.flatMap(({ name }) => tools.get(name) ?? []);
mkdirSync(join(target, FILE, ".."), { recursive: true });
writeFileSync(join(target, FILE), textOf(inOrder, offered));

function textOf(tools, offered) {
  const names = offered.map(
    ([profile, each]) => `  ${JSON.stringify(profile)}: ${JSON.stringify(each.map(({ name }) => name))},\n`,
  );
  return [
    "// Generated from the operation table by `make generate`: the tools as MCP clients see them, and which profile offers which.\n",
    'import type { Tool } from "@modelcontextprotocol/server";\n',
    'import type { Profile } from "../../operations/operation.js";\n\n',
    "export const everyTool: readonly Tool[] = [\n",
    ...tools.map((tool) => `  ${JSON.stringify(tool)},\n`),
    "];\n\n",
    "export const namesOf: Readonly<Record<Profile, readonly string[]>> = {\n",
    ...names,
    "};\n",
  ].join("");
}
