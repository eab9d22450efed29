// Finds where a Debian release's packages come from on this machine, by pyro's own code and the user's own settings. Fetches none of them.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./step.mjs";

/**
 * The text of a deb822 file of apt sources; rejects with what to type where there are none.
 * @param {"bookworm" | "trixie"} release
 * @returns {Promise<string>}
 */
export async function releaseSourcesText(release) {
  const { formatDeb822, releaseSources, hostGround, resolvePaths } = await load();
  const found = await releaseSources(hostGround(resolvePaths(), process.env), release, AbortSignal.timeout(20_000));
  if (found.obstacle !== undefined) throw new Error(found.obstacle);
  return formatDeb822(found.sources);
}

/** The sources of src/ as a module that this Node can load. */
async function load() {
  const { build } = await import("esbuild");
  const folder = join(root, "build", "scripts");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, "release-sources.mjs");
  const contents = [
    'export { formatDeb822 } from "./src/environment/apt-sources.ts";',
    'export { releaseSources } from "./src/environment/release-sources.ts";',
    'export { hostGround } from "./src/daemon/host-environments.ts";',
    'export { resolvePaths } from "./src/base/paths.ts";',
  ].join("\n");
  const stdin = { contents, resolveDir: root };
  await build({
    stdin,
    outfile,
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "esm",
    logLevel: "error",
  });
  return import(pathToFileURL(outfile).href);
}
