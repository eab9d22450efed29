// Owns the folder that an export goes to, held open, and whether something may be made in it. Never makes anything.
import { lstat, realpath } from "node:fs/promises";
import { findHome } from "../../base/user.js";
import { basename, dirname, join } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { type AllowedRoots, type OpenedPath, descriptorPath, openEntry, openWithin } from "../../base/host-roots.js";
import {
  type RepositoryPart,
  isGitName,
  isRepository,
  partNames,
  repositoryPart,
  repositoryParts,
} from "../git/repository-names.js";

export const stagingPrefix = ".pyro-export-";

/** A name in a folder; whatever happens to the folder's own name, it is this folder that is written to. */
export interface ExportPlace {
  readonly parent: OpenedPath;
  readonly name: string;
  /** For messages. */
  readonly target: string;
  readonly allowedRoots: AllowedRoots;
}

/** Opens the folder of an absolute path; refuses a name that no export may have. */
export async function openPlace(target: string, allowedRoots: AllowedRoots): Promise<ExportPlace & AsyncDisposable> {
  if (target.includes("\0")) throw new PyroError("invalid_argument", "output_path has a NUL character.");
  await refuseHome(target);
  const name = basename(target);
  if (name === "" || name === "." || name === "..") {
    throw new PyroError("invalid_argument", `output_path: ${target} does not end with a name.`);
  }
  const parent = await openParent(target, allowedRoots);
  const place = { parent, name, target, allowedRoots, [Symbol.asyncDispose]: () => parent[Symbol.asyncDispose]() };
  try {
    await checkPlace(place);
  } catch (error) {
    await parent[Symbol.asyncDispose]();
    throw error;
  }
  return place;
}

/**
 * Refuses a folder that the call may not use, one in a repository or in an export under way, and a name that would make the
 * folder a repository. True at the moment only: to be asked again right before something gets the name.
 */
export async function checkPlace({ parent, name, target, allowedRoots }: ExportPlace): Promise<void> {
  if (isGitName(latin1(name))) throw refusedPlace(target, "would be a .git, whose hooks and settings could run here");
  if (name.startsWith(stagingPrefix)) throw refusedPlace(target, "has a name that exports under way have");
  await using now = await openWithin(descriptorPath(parent), { roots: allowedRoots, field: "output_path" });
  const parts = await walkTo(now, target).catch((error: unknown) => {
    if (!["ENOENT", "ENOTDIR", "EACCES"].some((code) => hasErrno(error, code))) throw error;
    throw refusedPlace(target, "lies in a folder that was moved or removed meanwhile");
  });
  const part = repositoryPart(latin1(name));
  if (part !== undefined && isRepository(new Set([...parts, part])))
    throw refusedPlace(target, "would make its folder a repository to git, whose hooks and settings could run here");
}

/** The place's target as it is; undefined where nothing is. */
export async function lstatIn(folder: OpenedPath, name: string) {
  try {
    return await lstat(pathIn(folder, name), { bigint: true });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** A path of one component in a folder that is held open. */
export function pathIn(folder: OpenedPath, name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/u.test(name)) {
    throw new PyroError("invalid_argument", `${JSON.stringify(name)} is no name in a folder.`);
  }
  return `${descriptorPath(folder)}/${name}`;
}

async function openParent(target: string, roots: AllowedRoots): Promise<OpenedPath> {
  const folder = dirname(target);
  try {
    const parent = await openWithin(folder, { roots, field: "output_path" });
    if (parent.kind === "directory") return parent;
    await parent[Symbol.asyncDispose]();
  } catch (error) {
    if (["EACCES", "ELOOP", "ENAMETOOLONG"].some((code) => hasErrno(error, code))) {
      throw new PyroError("permission_denied", `${folder} cannot be opened.`, { cause: error });
    }
    if (!hasErrno(error, "ENOENT") && !hasErrno(error, "ENOTDIR")) throw error;
  }
  throw new PyroError("not_found", `The folder ${folder} does not exist.`, {
    hint: "Make it first, or name another output.",
  });
}

/**
 * From the root to the folder, one name at a time, never through a link: what the last folder has of a repository. Refuses
 * a way through a repository's own files, which ends where a checkout begins, as one beside its bare repository does.
 */
async function walkTo(folder: OpenedPath, target: string): Promise<ReadonlySet<RepositoryPart>> {
  let inRepository = false;
  let parts: ReadonlySet<RepositoryPart> = new Set();
  for await (const { name, opened } of foldersTo(folder)) {
    if (isGitName(latin1(name))) throw refusedPlace(target, "is inside a .git folder");
    if (name.startsWith(stagingPrefix)) throw refusedPlace(target, "is inside an export under way");
    if (opened.kind !== "directory") throw refusedPlace(target, "leads through what is no folder any more");
    parts = await partsOf(opened);
    if ((await lstatIn(opened, ".git")) !== undefined) inRepository = false;
    else if (isRepository(parts)) inRepository = true;
  }
  if (inRepository) throw refusedPlace(target, "is inside a repository, whose hooks and settings could run here");
  return parts;
}

/** The root of the file system first; ends with the folder, or throws where its path leads elsewhere by now. */
async function* foldersTo(folder: OpenedPath): AsyncGenerator<{ name: string; opened: OpenedPath }> {
  let opened = await openWithin("/", { roots: undefined, field: "output_path" });
  try {
    yield { name: "", opened };
    for (const name of folder.path.split("/").filter((part) => part !== "")) {
      const next = await openEntry(opened, name);
      await opened[Symbol.asyncDispose]();
      opened = next;
      yield { name, opened };
    }
    const [found, wanted] = await Promise.all([
      opened.handle.stat({ bigint: true }),
      folder.handle.stat({ bigint: true }),
    ]);
    if (found.dev === wanted.dev && found.ino === wanted.ino) return;
    throw refusedPlace(folder.path, "was moved meanwhile");
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

async function partsOf(folder: OpenedPath): Promise<ReadonlySet<RepositoryPart>> {
  const found = await Promise.all(
    repositoryParts.map(async (part) => ((await lstatIn(folder, partNames[part])) === undefined ? undefined : part)),
  );
  return new Set(found.filter((part) => part !== undefined));
}

async function refuseHome(target: string): Promise<void> {
  const home = findHome() ?? "/";
  const homes = [home, await realpath(home).catch(() => home)];
  const parent = await realpath(dirname(target)).catch(() => dirname(target));
  for (const place of [target, join(parent, basename(target))]) {
    const prefix = place.endsWith("/") ? place : `${place}/`;
    if (!homes.some((home) => `${home}/`.startsWith(prefix))) continue;
    throw new PyroError("permission_denied", `${target} holds the home folder, which no export replaces.`, {
      hint: "Name a new file or folder as output.",
    });
  }
}

function refusedPlace(target: string, why: string): PyroError {
  return new PyroError("permission_denied", `output_path: ${target} ${why}. Nothing was written there.`, {
    hint: "Name a new file or folder in an ordinary folder as output.",
  });
}

function latin1(name: string): string {
  return Buffer.from(name).toString("latin1");
}
