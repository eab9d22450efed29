// Owns which folders of the host a checkout may lead to: what the user named, and nothing that content names alone. Never opens a repository.
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve, sep } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { descriptorPath, openWithin } from "../../base/host-roots.js";
import { readHostFile, type ReadLimits } from "../../base/read-host-file.js";
import { forPerson } from "../../base/say.js";

/** Real paths: of the folder that was named, and of those that the user allowed besides. */
export type Roots = readonly string[];

/** The real paths of the folders that exist. */
export async function realRoots(folders: readonly string[]): Promise<Roots> {
  const found = await Promise.all(folders.map(realPathOf));
  return found.filter((folder) => folder !== undefined);
}

/** `path` is a real one. */
export function isWithin(path: string, roots: Roots): boolean {
  return roots.some((root) => path === root || path.startsWith(root === sep ? sep : root + sep));
}

/** Undefined for what does not exist, or may not be looked at. */
export async function realPathOf(path: string | Buffer): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const missing = ["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"].some((code) => hasErrno(error, code));
    if (missing || path.includes("\0")) return undefined;
    throw error;
  }
}

/** As git reads a path in a setting; undefined for forms that lead into other users' folders. */
export function expandPath(path: string, root: string): string | undefined {
  if (path.startsWith("~/")) return join(process.env["HOME"] ?? homedir(), path.slice(2));
  if (path.startsWith("~") || path.startsWith("%(")) return undefined;
  return resolve(root, path);
}

/** What admits a path that was left out. */
export function admittedBy(path: string): string {
  return forPerson`--allow-host-path ${path} admits it`;
}

/** A file that content names: its bytes, undefined where it is missing, or why it is not taken. */
export async function readWithin(
  path: string,
  { roots, maxBytes }: ReadLimits & { readonly roots: Roots },
): Promise<Buffer | string | undefined> {
  const named = await realPathOf(path);
  if (named === undefined) return undefined;
  try {
    // Its folder is held while it is read: what was judged is what is used.
    await using folder = await openWithin(dirname(named), { roots: undefined, field: path });
    const real = join(folder.path, basename(named));
    if (!isWithin(real, roots)) return `leads to ${real}, which is not honoured; ${admittedBy(real)}`;
    return await readHostFile(`${descriptorPath(folder)}/${basename(named)}`, { maxBytes });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    if (error instanceof PyroError) return `is not honoured: ${error.message}`;
    throw error;
  }
}
