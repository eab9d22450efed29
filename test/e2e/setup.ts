// Owns what all end-to-end tests share for one run: a copy of dist/, an installed debian:12, a home with its template. Leaves nothing.

import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPyro } from "./command.js";
import { endHome, environmentOf, keepCache } from "./home.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Longest folder name below which unix sockets still have room, in bytes. */
const maxFolderBytes = 40;
/** Milliseconds for building debian:12 from the mirror on a busy machine. */
const installTimeoutMs = 20 * 60_000;

/**
 * The copy keeps a rebuild during the run from replacing what is being tested. A developer's own cache of environments
 * is used, and kept, when PYRO_TEST_ENVIRONMENT_CACHE names one.
 */
export async function setup(): Promise<() => Promise<void>> {
  if (!existsSync(join(root, "dist", "pyro.js"))) throw new Error("dist/ is not built: run `make build` first.");
  const base = Buffer.byteLength(tmpdir()) < maxFolderBytes ? tmpdir() : "/tmp";
  const run = mkdtempSync(join(base, "pyro-e2e-"));
  const home = join(run, "shared");
  cpSync(join(root, "dist"), join(run, "dist"), { recursive: true });
  Object.assign(process.env, {
    PYRO_TEST_RUN: run,
    PYRO_HOME: home,
    PYRO_ENVIRONMENT_CACHE_DIR: process.env["PYRO_TEST_ENVIRONMENT_CACHE"] ?? join(run, "environments"),
  });
  const remove = async () => {
    try {
      await endHome(home);
    } finally {
      rmSync(run, { recursive: true, force: true });
    }
  };
  try {
    await prepare(home);
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

/** Installs the environment and saves the template that every home of this run starts with. */
async function prepare(home: string): Promise<void> {
  for (const args of [
    ["env", "pull", "debian:12"],
    ["run", "debian:12", "--", "true"],
  ]) {
    const started = startPyro(args, { env: environmentOf(home), timeoutMs: installTimeoutMs });
    started.child.stderr?.pipe(process.stderr, { end: false });
    const { code, stderr } = await started.finished;
    if (code !== 0) throw new Error(`pyro ${args.join(" ")} exited with ${code}: ${stderr}`);
  }
  keepCache(home);
}
