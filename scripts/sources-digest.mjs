// Tells one build of a version from another: a digest of what the bundle is made from, the same on every machine. Reads only.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./step.mjs";

/** @returns {string} */
export function sourcesDigest() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(root, "src"), { recursive: true }).map((name) => join("src", String(name)));
  for (const path of [...sources.filter((name) => name.endsWith(".ts")).toSorted(), "package-lock.json"]) {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest("hex").slice(0, 12);
}
