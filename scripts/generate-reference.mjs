// Writes docs/reference and the generated parts of docs/contract.md from the operation table, below the folder given as argument.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./step.mjs";

const target = process.argv[2] ?? root;
const bundle = join(root, "build", "reference", `pages-${process.pid}.mjs`);

try {
  const contents = [
    'export { referencePages } from "./src/surface/docs/reference.js";',
    'export { contractPage } from "./src/surface/docs/contract-page.js";',
  ].join("\n");
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
  const { contractPage, referencePages } = await import(pathToFileURL(bundle).href);
  const reference = join(target, "docs", "reference");
  mkdirSync(reference, { recursive: true });
  for (const [name, text] of referencePages()) writeFileSync(join(reference, name), text);
  const contract = join("docs", "contract.md");
  writeFileSync(join(target, contract), contractPage(readFileSync(join(root, contract), "utf8")));
} finally {
  rmSync(bundle, { force: true });
}
