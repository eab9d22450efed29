// Proves that the package works where nothing else of pyro is: packs it, installs it into empty folders with the oldest and the newest
// Node that we support, and from there runs doctor, an MCP handshake, machines and the SDK. Says each step; leaves nothing.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkInstall } from "./dist-check/install.mjs";
import { fetchNode } from "./dist-check/node.mjs";
import { packAndCheck } from "./dist-check/tarball.mjs";
import { endSteps, step } from "./dist-check/steps.mjs";

/** The oldest that package.json accepts, and the newest line with long-term support. */
const NODE_VERSIONS = ["20.19.0", "24.21.0"];

// Short, because unix sockets lie below it.
const folder = mkdtempSync("/tmp/pyro-dist-");
const environments = process.env.PYRO_TEST_ENVIRONMENT_CACHE ?? join(folder, "environments");
try {
  const tarball = await step("pack", (say) => packAndCheck(folder, say));
  for (const version of NODE_VERSIONS) {
    const node = await step(`Node ${version}`, () => fetchNode(version));
    await checkInstall({ tarball, node, folder: join(folder, `n${version.split(".")[0]}`), environments });
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
endSteps();
