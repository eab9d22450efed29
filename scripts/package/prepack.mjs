// Runs before npm packs: refuses what is not built from the sources at hand, then adds to dist/ what only the package needs, its
// types and its licences. Builds nothing else.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sourcesDigest } from "../sources-digest.mjs";
import { root } from "../step.mjs";
import { licences } from "./licences.mjs";
import { packageTypes } from "./declarations.mjs";

const dist = join(root, "dist");

try {
  refuseUnbuilt();
  writeFileSync(join(dist, "index.d.ts"), await packageTypes());
  writeFileSync(join(dist, "LICENSES.txt"), licences());
} catch (error) {
  process.stderr.write(`pyro is not packed: ${error.message}\n`);
  process.exitCode = 1;
}

function refuseUnbuilt() {
  for (const path of [
    "dist/pyro.js",
    "dist/any.cjs",
    "dist/command.cjs",
    "dist/mcp.cjs",
    "dist/index.js",
    "dist/pyro-guest",
    "dist/runtime/manifest.json",
    "build/bundled.json",
  ]) {
    if (!existsSync(join(root, path))) throw new Error(`${path} is missing; run make build`);
  }
  const { sources } = JSON.parse(readFileSync(join(root, "build", "bundled.json"), "utf8"));
  if (sources !== sourcesDigest()) throw new Error("dist/ is not built from these sources; run make build");
  const { files, agent_sha256: agent } = JSON.parse(readFileSync(join(dist, "runtime", "manifest.json"), "utf8"));
  const digests = [
    ...Object.entries(files).map(([name, { sha256 }]) => [join("runtime", name), sha256]),
    ["pyro-guest", agent],
  ];
  for (const [path, wanted] of digests) {
    const found = createHash("sha256")
      .update(readFileSync(join(dist, path)))
      .digest("hex");
    if (found !== wanted) throw new Error(`dist/${path} is not what its manifest says; run make build`);
  }
}
