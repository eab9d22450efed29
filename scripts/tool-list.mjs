// Writes src/surface/mcp/listed-tools.gen.ts: what the MCP server answers to tools/list, so that it builds no schema for that. Reads what
// src/surface/mcp/tools.ts makes of the table; knows no tool by name.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./step.mjs";

const FILE = join("src", "surface", "mcp", "listed-tools.gen.ts");
const target = process.argv[2] ?? root;
const bundle = join(root, "build", "reference", `tools-${process.pid}.mjs`);

try {
  await build({
    stdin: {
      contents: [
        'export * from "./src/surface/mcp/tools.js";',
        'export { profiles } from "./src/operations/operation.js";',
        'export { operations } from "./src/operations/table.js";',
      ].join("\n"),
      resolveDir: root,
    },
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    logLevel: "warning",
  });
  const { toolsOf, profiles, operations } = await import(pathToFileURL(bundle).href);
  const offered = profiles.map((profile) => [profile, toolsOf({ profile }).map(({ tool }) => tool)]);
  const tools = new Map(offered.flatMap(([, each]) => each.map((tool) => [tool.name, tool])));
  const inOrder = operations.flatMap(({ name }) => tools.get(name) ?? []);
  mkdirSync(join(target, FILE, ".."), { recursive: true });
  writeFileSync(join(target, FILE), textOf(inOrder, offered));
} finally {
  rmSync(bundle, { force: true });
}

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
