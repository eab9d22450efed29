// Owns the folder beside an export's target in which it is made, and putting it in place. Never touches the target before that.
import { chmod, link, lstat, mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { identifyProcess, isSameProcess } from "../../base/process-identity.js";
import { findHome } from "../../base/user.js";

export const stagingPrefix = ".pyro-export-";

export interface Staging extends AsyncDisposable {
  /** Where the export is to be made; does not exist yet. */
  readonly made: string;
  /** Puts what was made at the target: at once, or not at all. */
  publish(force: boolean): Promise<void>;
}

/**
 * Makes `.pyro-export-PID-START-RANDOM` beside the target, which a later export removes when this process is gone:
 * `made` is what is exported, `replaced` what was at the target, `target` its name, so that a kill in the middle of a swap loses nothing.
 */
export async function openStaging(target: string): Promise<Staging> {
  const parent = dirname(target);
  await clearAbandoned(parent);
  const self = await identifyProcess(process.pid);
  const name = `${stagingPrefix}${process.pid}-${self?.startTicks ?? 0}-${randomBytes(6).toString("hex")}`;
  const folder = join(parent, name);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    throw asTargetError(error, target);
  }
  const made = join(folder, "made");
  return {
    made,
    publish: async (force) => publish({ folder, made, target }, force),
    [Symbol.asyncDispose]: async () => removeStaging(folder),
  };
}

/** Refuses a target that cannot be: no folder to put it in, something there already, or one too dear to replace. */
export async function checkTarget(target: string, force: boolean): Promise<void> {
  if (`${findHome() ?? "/"}/`.startsWith(target === "/" ? target : `${target}/`)) {
    throw new PyroError("permission_denied", `${target} holds the home folder, which no export replaces.`, {
      hint: "Name a new file or folder as output.",
    });
  }
  const parent = await lstatOrNone(dirname(target));
  if (parent === undefined) {
    throw new PyroError("not_found", `The folder ${dirname(target)} does not exist.`, {
      hint: "Make it first, or name another output.",
    });
  }
  if (!force && (await lstatOrNone(target)) !== undefined) throw taken(target);
}

interface Paths {
  readonly folder: string;
  readonly made: string;
  readonly target: string;
}

async function publish({ folder, made, target }: Paths, force: boolean): Promise<void> {
  const existing = await lstatOrNone(target);
  if (existing !== undefined && !force) throw taken(target);
  const isFolder = (await lstat(made)).isDirectory();
  if (existing === undefined) {
    await (isFolder ? rename(made, target) : placeFile(made, target));
    return;
  }
  if (!isFolder && !existing.isDirectory()) {
    await rename(made, target);
    return;
  }
  await writeTargetName(folder, target);
  const replaced = join(folder, "replaced");
  // Only a writable folder can be moved to another parent.
  if (existing.isDirectory() && (existing.mode & 0o200) === 0) await chmod(target, existing.mode | 0o700);
  await rename(target, replaced);
  try {
    await rename(made, target);
  } catch (error) {
    await rename(replaced, target);
    throw error;
  }
}

/** Unlike a rename, a link never replaces what appeared meanwhile. */
async function placeFile(made: string, target: string): Promise<void> {
  try {
    await link(made, target);
  } catch (error) {
    if (hasErrno(error, "EEXIST")) throw taken(target);
    // File systems without hard links, such as FAT.
    if (!hasErrno(error, "EPERM") && !hasErrno(error, "ENOTSUP")) throw error;
    await rename(made, target);
  }
}

async function writeTargetName(folder: string, target: string): Promise<void> {
  await using file = await open(join(folder, "target"), "wx", 0o600);
  await file.writeFile(basename(target));
  await file.sync();
}

/** This user's staging folders of processes that are gone; what such a one had taken from its target goes back there. */
async function clearAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(stagingPrefix))) {
    const folder = join(parent, name);
    // Best effort: what cannot be removed now must not stop this export.
    if (await isAbandoned(folder, name).catch(() => false)) {
      await giveBack(folder, parent)
        .then(async () => removeStaging(folder))
        .catch(() => undefined);
    }
  }
}

async function isAbandoned(folder: string, name: string): Promise<boolean> {
  const match = /^(\d+)-(\d+)-[0-9a-f]{12}$/u.exec(name.slice(stagingPrefix.length));
  if (match === null) return false;
  const stat = await lstat(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
  return !(await isSameProcess({ pid: Number(match[1]), startTicks: Number(match[2]) }));
}

async function giveBack(folder: string, parent: string): Promise<void> {
  const name = await readFile(join(folder, "target"), "utf8").catch(() => "");
  if (name === "" || name !== basename(name) || name === "." || name === "..") return;
  if ((await lstatOrNone(join(folder, "replaced"))) === undefined) return;
  if ((await lstatOrNone(join(parent, name))) === undefined) await rename(join(folder, "replaced"), join(parent, name));
}

/** Folders may be without the permission to empty them. */
async function removeStaging(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!hasErrno(error, "EACCES") && !hasErrno(error, "EPERM")) throw error;
    await openFolders(Buffer.from(folder));
    await rm(folder, { recursive: true, force: true });
  }
}

async function openFolders(folder: Buffer): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: "buffer" })) {
    if (entry.isDirectory()) await openFolders(Buffer.concat([folder, Buffer.from("/"), entry.name]));
  }
}

async function lstatOrNone(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
    throw asTargetError(error, path);
  }
}

function taken(target: string): PyroError {
  return new PyroError("already_exists", `${target} exists already.`, {
    hint: "Name another output, or pass force (--force) to replace it.",
  });
}

function asTargetError(error: unknown, target: string): unknown {
  if (!hasErrno(error, "EACCES") && !hasErrno(error, "EPERM") && !hasErrno(error, "EROFS")) return error;
  return new PyroError("permission_denied", `${dirname(target)} cannot be written.`, { cause: error });
}
