// Bundles the benchmark and runs it: node bench/main.mjs [--quick]. Measures nothing itself.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "../scripts/step.mjs";

const outfile = join(root, "build", "bench", "run.mjs");
await build({
  absWorkingDir: root,
  entryPoints: ["bench/run.ts"],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // Some CommonJS dependencies ask for `require` of Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
const { run } = await import(pathToFileURL(outfile).href);
const code = await run(root, process.argv.slice(2));
const written = join(root, "docs", "performance.md");
if (existsSync(written))
  spawnSync(join(root, "node_modules", ".bin", "prettier"), ["--log-level", "warn", "--write", written]);
process.exit(code);
