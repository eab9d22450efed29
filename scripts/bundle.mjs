// Bundles the TypeScript: dist/pyro.js, which starts the command; the bundles it chooses from, dist/*.cjs; and dist/index.js (the SDK), with
// what it loads lazily in dist/chunks. Replaces dist only when the whole bundle worked. Checks no types: make check does.

import { createHash } from "node:crypto";
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

/** Of the SDK, what starts the command, and what that chooses from. */
const SDK = { index: "src/index.ts" };
const START = { pyro: "src/surface/cli/main.ts" };
const COMMANDS = {
  command: "src/surface/cli/entry-command.ts",
  mcp: "src/surface/cli/entry-mcp.ts",
  any: "src/surface/cli/entry-any.ts",
};
const staging = join(root, "build", "bundle");
const dist = join(root, "dist");

// Some CommonJS dependencies ask for `require` of Node's own modules.
const BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';
// As Node wraps a CommonJS module; one script each, because of these V8 can keep what it has compiled.
const WRAPPER = {
  banner: {
    js: '(function (exports, require, module, __filename, __dirname) { "use strict"; const __url = require("node:url").pathToFileURL(__filename).href;',
  },
  footer: { js: "})" },
};

rmSync(staging, { recursive: true, force: true });
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
// Told by the daemon, so that one of older code is replaced.
const sources = sourcesDigest();
const shared = {
  absWorkingDir: root,
  outdir: staging,
  bundle: true,
  platform: "node",
  // Its other build asks for its parts in a way that no bundler sees.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  target: "node20.19",
  define: {
    "process.env.PYRO_BUNDLED_VERSION": JSON.stringify(version),
    "process.env.PYRO_BUNDLED_BUILD": JSON.stringify(sources),
  },
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
};
const bundled = await Promise.all([
  build({
    ...shared,
    entryPoints: SDK,
    splitting: true,
    format: "esm",
    chunkNames: "chunks/[name]-[hash]",
    banner: { js: BANNER },
  }),
  build({ ...shared, entryPoints: START, format: "esm" }),
  build({
    ...shared,
    ...WRAPPER,
    entryPoints: COMMANDS,
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    // Where a script says `import()`, Node 20 warns the user; what is left of them are Node's own modules.
    supported: { "dynamic-import": false },
    // Names stay: they are what a stack says.
    minifyWhitespace: true,
    minifySyntax: true,
    define: { ...shared.define, "import.meta.dirname": "__dirname", "import.meta.url": "__url" },
  }),
]).catch(() => undefined);
// esbuild has said what is wrong.
if (bundled === undefined) process.exit(1);
for (const name of Object.keys(COMMANDS)) addDigest(join(staging, `${name}.cjs`));
const packages = packagesIn(bundled.flatMap(({ metafile }) => Object.values(metafile.outputs)));
writeFileSync(join(root, "build", "bundled.json"), JSON.stringify({ sources, packages }));
publish();

/** Folder of each npm package → its files of which something is in the bundle; what scripts/package/licences.mjs names. */
function packagesIn(outputs) {
  const packages = {};
  const used = outputs.flatMap(({ inputs }) => Object.keys(inputs));
  for (const path of [...new Set(used)].toSorted((left, right) => (left < right ? -1 : 1))) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0];
    if (folder !== undefined) packages[folder] = [...(packages[folder] ?? []), path];
  }
  return packages;
}

/** By which what is compiled of it is told from that of another build: the first line, see src/base/compiled-bundle.ts. */
function addDigest(path) {
  const text = readFileSync(path, "utf8");
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  writeFileSync(path, `// ${digest}\n${text}`);
}

/** New chunks first, then the entries, then the old chunks go: a command that starts meanwhile finds all of its files. */
function publish() {
  const chunks = join(dist, "chunks");
  mkdirSync(chunks, { recursive: true });
  const fresh = existsSync(join(staging, "chunks")) ? readdirSync(join(staging, "chunks")) : [];
  for (const name of fresh.filter((entry) => !existsSync(join(chunks, entry)))) {
    renameSync(join(staging, "chunks", name), join(chunks, name));
  }
  for (const name of readdirSync(staging).filter((entry) => /\.(js|cjs|txt)$/.test(entry))) {
    if (name === "pyro.js") chmodSync(join(staging, name), 0o755);
    renameSync(join(staging, name), join(dist, name));
  }
  for (const name of readdirSync(chunks).filter((entry) => !fresh.includes(entry))) rmSync(join(chunks, name));
}
