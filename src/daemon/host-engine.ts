// Owns joining the engine of this host to the user's folders and settings. Never decides which engine it is.
import type { Paths } from "../base/paths.js";
import type { Settings } from "../base/settings.js";
import { openEngine } from "../engine/choose.js";
import type { Engine } from "../engine/engine.js";
import type { VerdictOptions } from "../engine/verdict.js";
import { findInstallation } from "../machine/installation.js";
import { proveBoot } from "../machine/prove-boot.js";

/** Never rejects for lack of an engine: one that can start nothing says why when it is asked to. */
export async function openHostEngine(paths: Paths, settings: Settings, signal: AbortSignal): Promise<Engine> {
  const choice = { setting: settings.engine, variable: process.env["PYRO_ENGINE"] };
  return openEngine({ ...measuring(paths), ...choice, files: () => findInstallation() }, signal);
}

/** Where verdicts are kept, and how a boot is tried. */
export function measuring(paths: Paths): Pick<VerdictOptions, "cache" | "proveBoot"> {
  return {
    cache: paths.cache,
    proveBoot: (engine, { timeoutMs }, signal) => proveBoot({ engine, folders: paths, timeoutMs }, signal),
  };
}
