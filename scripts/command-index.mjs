// Writes src/operations/commands.gen.ts: which module has the operation behind each command. Reads the table's modules, knows none of them by name.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./step.mjs";

const FOLDER = join("src", "operations");
const INDEX = "commands.gen.ts";
const target = process.argv[2] ?? root;
const bundle = join(root, "build", "reference", `operations-${process.pid}.mjs`);

try {
  const modules = readdirSync(join(root, FOLDER))
    .filter((name) => name.endsWith(".ts") && name !== INDEX && exportsOperations(name))
    .map((name) => name.replace(/ts$/u, "js"))
    .toSorted();
  const contents = modules.map((name, at) => `export * as m${at} from "./${FOLDER}/${name}";`).join("\n");
  await build({
    stdin: { contents, resolveDir: root },
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    logLevel: "warning",
  });
  const loaded = await import(pathToFileURL(bundle).href);
  const rows = modules.flatMap((name, at) =>
    Object.entries(loaded[`m${at}`])
      .filter(([, value]) => typeof value?.name === "string" && value.cli !== undefined)
      .map(([exported, { cli }]) => ({ path: cli.path, name, exported })),
  );
  mkdirSync(join(target, FOLDER), { recursive: true });
  writeFileSync(join(target, FOLDER, INDEX), textOf(rows));
} finally {
  rmSync(bundle, { force: true });
}

function exportsOperations(name) {
  return /^export const \w+ = operation\(/mu.test(readFileSync(join(root, FOLDER, name), "utf8"));
}

function textOf(rows) {
  const lines = rows
    .toSorted((left, right) => (left.path.join(" ") < right.path.join(" ") ? -1 : 1))
    .map(
      ({ path, name, exported }) =>
        `  { path: ${JSON.stringify(path)}, load: async () => (await import("./${name}")).${exported} },\n`,
    );
  return [
    "// Generated from the operation table by `make generate`: where the operation behind a command is, so that it loads no other.\n",
    'import type { Operation } from "./operation.js";\n\n',
    "export interface IndexedCommand {\n  readonly path: readonly string[];\n  load(): Promise<Operation>;\n}\n\n",
    "export const indexedCommands: readonly IndexedCommand[] = [\n",
    ...lines,
    "];\n",
  ].join("");
}
