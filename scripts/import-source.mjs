// Owns running TypeScript of this checkout in a script: one bundle of what is asked for, imported and removed. Knows nothing of its content.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./step.mjs";

/**
 * What a module with these lines, such as `export * from "./src/x.js";`, would export at the top of the checkout.
 * @param {readonly string[]} lines
 */
export async function importSource(lines) {
  const bundle = join(root, "build", "reference", `source-${process.pid}.mjs`);
  try {
    await build({
      stdin: { contents: lines.join("\n"), resolveDir: root },
      outfile: bundle,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      packages: "external",
      logLevel: "warning",
    });
    return await import(pathToFileURL(bundle).href);
  } finally {
    rmSync(bundle, { force: true });
  }
}
