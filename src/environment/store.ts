// Owns the cache of environments as its callers see it. Never knows how an image is made.
import { mkdir } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { writeJsonAtomic } from "../base/atomic-file.js";
import { hasErrno } from "../base/error.js";
import { catalog, catalogEntry } from "./catalog.js";
import type {
  EnvironmentSource,
  EnvironmentState,
  EnvironmentStore,
  EnvironmentSummary,
  InstalledEnvironment,
} from "./environment.js";
import {
  compareImage,
  hashImage,
  imagePath,
  manifestPath,
  readManifest,
  toInstalled,
  type Manifest,
} from "./manifest.js";
import { pruneStore } from "./prune.js";
import { firstAvailable, lockImages, pullEnvironment } from "./pull.js";
import { storePaths, type StorePaths } from "./store-paths.js";

export interface EnvironmentStoreOptions {
  /** `Paths.environments`; made when missing. */
  readonly root: string;
  /** In order of preference. */
  readonly sources: readonly EnvironmentSource[];
  readonly clock?: () => Date;
}

export function openEnvironmentStore(options: EnvironmentStoreOptions): EnvironmentStore {
  const { sources, clock = () => new Date() } = options;
  const paths = storePaths(options.root);
  const find = async (name: string): Promise<InstalledEnvironment | undefined> => {
    catalogEntry(name);
    const checked = await check(paths, name);
    return checked.state === "installed" ? toInstalled(paths, checked.manifest) : undefined;
  };
  const summarize = async (name: string): Promise<EnvironmentSummary> => {
    const { description } = catalogEntry(name);
    return { name, description, ...describe(await check(paths, name)) };
  };
  return {
    find,
    list: () => Promise.all(catalog.map(({ name }) => summarize(name))),
    async pull(name, task) {
      catalogEntry(name);
      return pullEnvironment({ paths, sources, clock, find }, name, task);
    },
    async obstacle(name) {
      catalogEntry(name);
      const { source, reasons } = await firstAvailable(sources, name);
      return source === undefined ? reasons : undefined;
    },
    async inspect(name, signal) {
      const { description } = catalogEntry(name);
      const found = await readManifest(paths, name);
      if (found.kind !== "readable") return { ...(await summarize(name)), manifest: undefined };
      const checked = await verify(paths, found.manifest, signal);
      return { name, description, ...describe(checked), manifest: found.manifest };
    },
    prune: (signal) => pruneStore(paths, signal),
  };
}

type Checked =
  | { readonly state: "not_installed" | "broken" | "newer"; readonly manifest: Manifest | undefined }
  | { readonly state: "installed"; readonly manifest: Manifest };

async function check(paths: StorePaths, name: string): Promise<Checked> {
  const found = await readManifest(paths, name);
  if (found.kind === "absent") return { state: "not_installed", manifest: undefined };
  if (found.kind === "garbled") return { state: "broken", manifest: undefined };
  if (found.kind === "newer") return { state: "newer", manifest: undefined };
  const { manifest } = found;
  const image = await compareImage(imagePath(paths, manifest.image.sha256), manifest.image);
  if (image === "same") return { state: "installed", manifest };
  if (image === "missing") return { state: "broken", manifest };
  return verify(paths, manifest, new AbortController().signal);
}

/** Reads the image. A right one whose file was copied or touched gets its record refreshed. */
async function verify(paths: StorePaths, manifest: Manifest, signal: AbortSignal): Promise<Checked> {
  let image;
  try {
    image = await hashImage(imagePath(paths, manifest.image.sha256), signal);
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EIO")) return { state: "broken", manifest };
    throw error;
  }
  if (image.sha256 !== manifest.image.sha256) return { state: "broken", manifest };
  const refreshed = { ...manifest, image };
  await refresh(paths, manifest, refreshed);
  return { state: "installed", manifest: refreshed };
}

async function refresh(paths: StorePaths, old: Manifest, refreshed: Manifest): Promise<void> {
  if (isDeepStrictEqual(old, refreshed)) return;
  await mkdir(paths.locks, { recursive: true });
  await using _images = await lockImages(paths, new AbortController().signal);
  // A pull may have written a newer record meanwhile.
  const now = await readManifest(paths, old.name);
  if (now.kind !== "readable" || !isDeepStrictEqual(now.manifest, old)) return;
  await writeJsonAtomic(manifestPath(paths, old.name), refreshed);
}

function describe(checked: Checked): Omit<EnvironmentSummary, "name" | "description"> {
  const { state, manifest } = checked;
  return {
    state: state satisfies EnvironmentState,
    imageBytes: state === "installed" ? checked.manifest.image.size : 0,
    imageDigest: manifest && `sha256:${manifest.image.sha256}`,
    source: manifest?.source,
    installedAt: manifest?.installed_at,
  };
}
