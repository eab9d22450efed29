// Owns installing one environment so that it is whole or absent, with one builder at a time. Never chooses names.
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeJsonAtomic } from "../base/atomic-file.js";
import { PyroError } from "../base/error.js";
import { requireRoom } from "../base/free-room.js";
import { lockFile, tryLockFile } from "../base/lock.js";
import type { Task } from "../base/progress.js";
import { call, say } from "../base/say.js";
import { refuseNewer } from "../base/stored-record.js";
import { version } from "../base/version.js";
import { catalogEntry } from "./catalog.js";
import type { EnvironmentSource, InstalledEnvironment, PullResult } from "./environment.js";
import { startHeartbeat } from "./heartbeat.js";
import { hashImage, imagePath, manifestPath, readManifest, toInstalled, type Manifest } from "./manifest.js";
import { removeTree } from "./remove-tree.js";
import { safeName, type StorePaths } from "./store-paths.js";

export interface PullContext {
  readonly paths: StorePaths;
  readonly sources: readonly EnvironmentSource[];
  readonly clock: () => Date;
  readonly find: (name: string) => Promise<InstalledEnvironment | undefined>;
}

/** Installs `name`, or waits for another pull of it and uses its result. */
export async function pullEnvironment(context: PullContext, name: string, task: Task): Promise<PullResult> {
  task.signal.throwIfAborted();
  const present = await context.find(name);
  if (present !== undefined) return { environment: present, changed: false };
  const { paths } = context;
  await refuseNewerInstall(paths, name);
  for (const folder of [paths.images, paths.installs, paths.tmp, paths.locks]) await mkdir(folder, { recursive: true });
  using heartbeat = startHeartbeat(task.progress, { phase: "resolve", message: `Looking for a source of ${name}` });
  const beating = { signal: task.signal, progress: heartbeat.progress };
  await using _lock = await takeTurn(join(paths.locks, `${safeName(name)}.lock`), name, beating);
  const madeMeanwhile = await context.find(name);
  if (madeMeanwhile !== undefined) return { environment: madeMeanwhile, changed: false };
  return { environment: await install(context, name, beating), changed: true };
}

/** Held while an image is added with its manifest, or images without one are removed. */
export async function lockImages(paths: StorePaths, signal: AbortSignal): Promise<AsyncDisposable> {
  return lockFile(join(paths.locks, ".images.lock"), signal);
}

async function refuseNewerInstall(paths: StorePaths, name: string): Promise<void> {
  const found = await readManifest(paths, name);
  if (found.kind === "newer") throw refuseNewer(`The installed ${name}`, found);
}

async function takeTurn(path: string, name: string, task: Task): Promise<AsyncDisposable> {
  const free = await tryLockFile(path, task.signal);
  if (free !== undefined) return free;
  task.progress({ phase: "wait", message: `Waiting for another pull of ${name}` });
  return lockFile(path, task.signal);
}

async function install(context: PullContext, name: string, task: Task): Promise<InstalledEnvironment> {
  const { paths } = context;
  const source = await chooseSource(context.sources, name);
  // Whoever holds the name's lock owns this folder: what lies there is of a pull that died.
  const folder = join(paths.tmp, safeName(name));
  await removeTree(folder);
  await checkRoom(paths.root, name);
  task.signal.throwIfAborted();
  await mkdir(folder);
  try {
    const draft = join(folder, "image.squashfs");
    const built = await source.build(name, draft, task);
    task.progress({ phase: "verify", message: "Checking what was installed" });
    await syncFile(draft);
    const image = await hashImage(draft, task.signal);
    const manifest: Manifest = {
      format: 1,
      name,
      source: source.name,
      image,
      env: [...built.env],
      packages: [...built.packages],
      installed_at: context.clock().toISOString(),
      pyro_version: version,
    };
    await commit(paths, { draft, manifest }, task.signal);
    return toInstalled(paths, manifest);
  } finally {
    await removeTree(folder);
  }
}

async function chooseSource(sources: readonly EnvironmentSource[], name: string): Promise<EnvironmentSource> {
  const { source, reasons } = await firstAvailable(sources, name);
  if (source !== undefined) return source;
  throw new PyroError("unavailable", `Nothing can install ${name} here: ${reasons || "no source"}.`, {
    hint: say`Do what the message names, then install it by ${call("env_pull", { environment: name })}.`,
  });
}

/** The first source that can install it, and why those before it cannot. */
export async function firstAvailable(
  sources: readonly EnvironmentSource[],
  name: string,
): Promise<{ readonly source: EnvironmentSource | undefined; readonly reasons: string }> {
  const reasons: string[] = [];
  for (const source of sources) {
    const reason = await source.unavailable(name);
    if (reason === undefined) return { source, reasons: reasons.join("; ") };
    reasons.push(`${source.name}: ${reason}`);
  }
  return { source: undefined, reasons: reasons.join("; ") };
}

/** The unpacked root, the packages and the image exist at once. */
async function checkRoom(root: string, name: string): Promise<void> {
  const remedy = ", PYRO_ENVIRONMENT_CACHE_DIR names a larger disk";
  await requireRoom({ path: root, bytes: 3 * catalogEntry(name).unpackedBytes, what: `Building ${name}`, remedy });
}

// The image goes first: a manifest always names a file that was whole when it was written.
async function commit(
  paths: StorePaths,
  { draft, manifest }: { readonly draft: string; readonly manifest: Manifest },
  signal: AbortSignal,
): Promise<void> {
  await using _images = await lockImages(paths, signal);
  await chmod(draft, 0o444);
  await rename(draft, imagePath(paths, manifest.image.sha256));
  await syncFolder(paths.images);
  const path = manifestPath(paths, manifest.name);
  await refuseNewerInstall(paths, manifest.name);
  // A folder in the manifest's place would outlast the rename.
  await rm(path, { recursive: true, force: true });
  await writeJsonAtomic(path, manifest);
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
