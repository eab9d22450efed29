// Owns how the first machine of an environment would start here: warm, cold or stale, and why. Never makes it warmer.
import { version } from "../../base/version.js";
import type { Engine } from "../../engine/engine.js";
import { fingerprintChanges } from "../../engine/fingerprint.js";
import type { InstalledEnvironment } from "../../environment/environment.js";
import type { MachineShape } from "../machine-files.js";
import { readPreparation, type PreparationManifest } from "./preparation-manifest.js";
import { findSaved, templateRoot } from "./template-folders.js";
import { templateKey } from "./template.js";

/** `warm`: prepared, and nothing has changed since. `stale`: something has. `cold`: not prepared. */
export const startStates = ["warm", "cold", "stale"] as const;
export type StartState = (typeof startStates)[number];

export type Readiness =
  | { readonly start: "warm"; readonly reason: string; readonly manifest: PreparationManifest }
  | { readonly start: "cold" | "stale"; readonly reason: string };

export interface ReadinessSubject extends MachineShape {
  /** Name of the environment. */
  readonly environment: string;
  /** Undefined when it is not, or not whole. */
  readonly installed: InstalledEnvironment | undefined;
  /** What machines would run on now. */
  readonly engine: Engine;
  /** Folder of templates and manifests. */
  readonly cache: string;
}

/** Reads files, and starts nothing. The reason is a sentence without its end. */
export async function judgeReadiness(subject: ReadinessSubject): Promise<Readiness> {
  const { environment, installed, engine, cache, vcpuCount, memMib } = subject;
  if (installed === undefined) return { start: "cold", reason: `${environment} is not installed` };
  const key = templateKey(engine, { environment: installed, vcpuCount, memMib });
  const [found, template] = await Promise.all([
    readPreparation(cache, environment),
    findSaved(templateRoot({ cache }), key),
  ]);
  if (found.kind === "absent")
    return { start: "cold", reason: `${environment} has not been prepared${startsFast(template)}` };
  if (found.kind === "broken") {
    return { start: "cold", reason: `the record of ${environment}'s preparation cannot be read (${found.reason})` };
  }
  const { manifest } = found;
  const changes = changesSince(manifest, { ...subject, installed }, key);
  if (changes.length > 0) {
    return { start: "stale", reason: `since ${environment} was prepared, ${changes.join(" and ")} changed` };
  }
  if (template === undefined) return { start: "stale", reason: `${environment}'s saved machine is missing or damaged` };
  if (template.generation !== manifest.template_generation) {
    return { start: "stale", reason: `${environment}'s saved machine was made anew, and that one has not been proved` };
  }
  const shape = `${vcpuCount} vCPU, ${memMib} MiB`;
  return {
    start: "warm",
    reason: `prepared ${manifest.prepared_at}, a machine (${shape}) is saved and fits`,
    manifest,
  };
}

function startsFast(template: unknown): string {
  return template === undefined ? "" : "; a run has saved a machine of it, which nothing has proved";
}

function changesSince(
  manifest: PreparationManifest,
  { engine, installed, vcpuCount, memMib }: ReadinessSubject & { readonly installed: InstalledEnvironment },
  key: string,
): readonly string[] {
  const changes = [
    ...(manifest.image_digest === installed.imageDigest ? [] : ["the environment's image"]),
    ...fingerprintChanges(manifest.engine_fingerprint, engine.fingerprint),
    ...(manifest.vcpu_count === vcpuCount && manifest.mem_mib === memMib ? [] : ["the machine's shape"]),
    ...(manifest.pyro_version === version ? [] : [`pyro (${manifest.pyro_version}, now ${version})`]),
  ];
  return changes.length === 0 && manifest.template_key !== key ? ["the way machines are saved"] : changes;
}
