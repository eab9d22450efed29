// Writes docs/reference from the operation table, into the folder given as argument. Changes nothing else.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./step.mjs";

const target = process.argv[2] ?? join(root, "docs", "reference");
const bundle = join(root, "build", "reference", `pages-${process.pid}.mjs`);

try {
  await build({
    absWorkingDir: root,
    entryPoints: ["src/surface/docs/reference.ts"],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    logLevel: "warning",
  });
  const { referencePages } = await import(pathToFileURL(bundle).href);
  mkdirSync(target, { recursive: true });
  for (const [name, text] of referencePages()) writeFileSync(join(target, name), text);
} finally {
  rmSync(bundle, { force: true });
}
