// Bundles the TypeScript: dist/pyro.js (the command) and dist/index.js (the SDK), with what each loads lazily in dist/chunks.
// Replaces dist only when the whole bundle worked. Checks no types: make check does.

import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./step.mjs";

const ENTRIES = { pyro: "src/surface/cli/main.ts", index: "src/index.ts" };
const staging = join(root, "build", "bundle");
const dist = join(root, "dist");

// Some CommonJS dependencies ask for `require` of Node's own modules.
const BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

rmSync(staging, { recursive: true, force: true });
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const failed = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(ENTRIES).filter(([, path]) => existsSync(join(root, path)))),
  outdir: staging,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  chunkNames: "chunks/[name]-[hash]",
  banner: { js: BANNER },
  define: {
    "process.env.PYRO_BUNDLED_VERSION": JSON.stringify(version),
    "process.env.PYRO_BUNDLED_BUILD": JSON.stringify(hashOfSources()),
  },
  legalComments: "linked",
  logLevel: "warning",
}).then(
  () => false,
  // esbuild has said what is wrong.
  () => true,
);
if (failed) process.exit(1);
publish();

/** Tells one build of a version from another, so that a daemon of older code is replaced; the same on every machine. */
function hashOfSources() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(root, "src"), { recursive: true }).map((name) => join("src", String(name)));
  for (const path of [...sources.filter((name) => name.endsWith(".ts")).toSorted(), "package-lock.json"]) {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest("hex").slice(0, 12);
}

/** New chunks first, then the entries, then the old chunks go: a command that starts meanwhile finds all of its files. */
function publish() {
  const chunks = join(dist, "chunks");
  mkdirSync(chunks, { recursive: true });
  const fresh = existsSync(join(staging, "chunks")) ? readdirSync(join(staging, "chunks")) : [];
  for (const name of fresh.filter((entry) => !existsSync(join(chunks, entry)))) {
    renameSync(join(staging, "chunks", name), join(chunks, name));
  }
  for (const name of readdirSync(staging).filter((entry) => /\.(js|txt)$/.test(entry))) {
    if (name === "pyro.js") chmodSync(join(staging, name), 0o755);
    renameSync(join(staging, name), join(dist, name));
  }
  for (const name of readdirSync(chunks).filter((entry) => !fresh.includes(entry))) rmSync(join(chunks, name));
}
