// Owns where Node keeps what it has compiled of our code, so that the next start need not. Never uses a folder that others can write to.
import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import * as nodeModule from "node:module";
import { join } from "node:path";
import { resolvePaths } from "./paths.js";
import { buildId } from "./version.js";

/** For Node 22.8 and newer; does nothing elsewhere, and before pyro has made its cache folder. */
export function keepCompiled(env: NodeJS.ProcessEnv = process.env): void {
  const enable: unknown = Reflect.get(nodeModule, "enableCompileCache");
  if (typeof enable !== "function" || buildId === "source") return;
  try {
    const { cache } = resolvePaths(env);
    const stat = lstatSync(cache);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) return;
    const builds = join(cache, "compiled");
    const own = join(builds, buildId);
    if (mkdirSync(own, { recursive: true, mode: 0o700 }) !== undefined) removeOthers(builds);
    enable(own);
  } catch {
    // Everything works without it, a little later.
  }
}

/** Of other builds: one that still runs has what it needs. */
function removeOthers(builds: string): void {
  for (const other of readdirSync(builds)) {
    if (other !== buildId) rmSync(join(builds, other), { recursive: true, force: true });
  }
}
