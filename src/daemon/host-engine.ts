// Owns joining the engine of this host to the user's folders and settings. Never decides which engine it is.
import type { Paths } from "../base/paths.js";
import type { Settings } from "../base/settings.js";
import { openEngine } from "../engine/choose.js";
import type { Engine } from "../engine/engine.js";
import type { VerdictOptions } from "../engine/qemu/verdict.js";
import { findInstallation } from "../base/installation.js";
import { proveBoot } from "../machine/prove-boot.js";

export interface HostEngine {
  /** Never rejects for lack of an engine: one that can start nothing says why when it is asked to. */
  open(signal: AbortSignal): Promise<Engine>;
  /** The same, with KVM measured again: machines on it have failed. */
  openAgain(signal: AbortSignal): Promise<Engine>;
}

export function hostEngine(paths: Paths, settings: Settings): HostEngine {
  const options = { ...measuring(paths), settings, variables: process.env, files: () => findInstallation() };
  return {
    open: (signal) => openEngine(options, signal),
    openAgain: (signal) => openEngine({ ...options, again: "kvm" }, signal),
  };
}

/** Where verdicts are kept, and how a boot is tried. */
export function measuring(paths: Paths): Pick<VerdictOptions, "cache" | "proveBoot"> {
  return {
    cache: paths.cache,
    proveBoot: (engine, { timeoutMs }, signal) => proveBoot({ engine, folders: paths, timeoutMs }, signal),
  };
}
