// Bundles the TypeScript: dist/pyro.js (the command) and dist/index.js (the SDK), with what each loads lazily in dist/chunks.
// Replaces dist only when the whole bundle worked. Checks no types: make check does.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { sourcesDigest } from "./sources-digest.mjs";
import { root } from "./step.mjs";

const ENTRIES = { pyro: "src/surface/cli/main.ts", index: "src/index.ts" };
const staging = join(root, "build", "bundle");
const dist = join(root, "dist");

// Some CommonJS dependencies ask for `require` of Node's own modules.
const BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

rmSync(staging, { recursive: true, force: true });
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
// Told by the daemon, so that one of older code is replaced.
const sources = sourcesDigest();
const bundled = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(ENTRIES).filter(([, path]) => existsSync(join(root, path)))),
  outdir: staging,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  // Its other build asks for its parts in a way that no bundler sees.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  target: "node20.19",
  chunkNames: "chunks/[name]-[hash]",
  banner: { js: BANNER },
  define: {
    "process.env.PYRO_BUNDLED_VERSION": JSON.stringify(version),
    "process.env.PYRO_BUNDLED_BUILD": JSON.stringify(sources),
  },
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
}).catch(() => undefined);
// esbuild has said what is wrong.
if (bundled === undefined) process.exit(1);
writeFileSync(join(root, "build", "bundled.json"), JSON.stringify({ sources, packages: packagesIn(bundled.metafile) }));
publish();

/** Folder of each npm package → its files of which something is in the bundle; what scripts/package/licences.mjs names. */
function packagesIn({ outputs }) {
  const packages = {};
  const used = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  for (const path of [...new Set(used)].toSorted()) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0];
    if (folder !== undefined) packages[folder] = [...(packages[folder] ?? []), path];
  }
  return packages;
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
