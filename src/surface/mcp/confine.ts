// Owns what a model is told at once about a path of the host that it may not name. Never opens a file; the daemon judges again when it does.
import { realpathSync } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { hasErrno, PyroError } from "../../base/error.js";
import { forPerson } from "../../base/say.js";

export interface AllowedFolders {
  /** Where relative paths start; undefined when the server has no project on this host. */
  readonly base: string | undefined;
  /** Without symbolic links as they were when the server started: a link that appears later allows nothing more. */
  readonly folders: readonly string[];
}

export interface NamedPath {
  /** The argument that named it. */
  readonly field: string;
  readonly path: string;
  /** `write` makes something new. */
  readonly access: "read" | "write";
}

/**
 * The path without symbolic links and `..`. Throws `permission_denied` for what lies elsewhere, before a daemon or a machine
 * is started for it; what counts is the same question asked by the daemon of what it has opened.
 */
export async function confinePath(allowed: AllowedFolders, named: NamedPath): Promise<string> {
  const { field, path, access } = named;
  if (path.includes("\0")) throw new PyroError("invalid_argument", `${field} has a NUL character.`);
  if (!isAbsolute(path) && allowed.base === undefined) {
    throw new PyroError("invalid_argument", `${field} must be absolute: this server has no project folder.`);
  }
  const wanted = resolve(allowed.base ?? sep, path);
  const real =
    access === "read"
      ? await resolveLinks(wanted, named)
      : join(await resolveLinks(dirname(wanted), named), basename(wanted));
  const roots = allowed.folders.toSorted((left, right) => right.length - left.length);
  const root = roots.find((folder) => isInside(real, folder));
  if (root === undefined) throw outside(named, roots);
  // Its hooks run on the host, and its config can hold tokens that a seed of the whole checkout leaves out.
  if (relative(root, real).toLowerCase().split(sep).includes(".git")) {
    throw new PyroError("permission_denied", `${field} ${path} is inside a .git folder.`, {
      hint: "Name the checkout itself, or another folder.",
    });
  }
  if (access === "write" && (await exists(real))) {
    throw new PyroError("already_exists", `${field} ${path} exists.`, {
      hint: "Choose a name that does not exist yet.",
    });
  }
  return real;
}

/** Resolves what exists of the path; the rest can have no links. */
async function resolveLinks(path: string, named: NamedPath): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const isMissing = hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR");
    // A link to nothing: what it will lead to cannot be checked.
    if (!isMissing || (await exists(path))) {
      const message = `${named.field} ${named.path} cannot be resolved.`;
      throw new PyroError("permission_denied", message, { hint: "Name a path without links.", cause: error });
    }
    return join(await resolveLinks(dirname(path), named), basename(path));
  }
}

/** The folder without symbolic links; the part of it that does not exist can have none. */
export function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return dirname(folder) === folder ? folder : join(realFolder(dirname(folder)), basename(folder));
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === sep ? sep : folder + sep);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return false;
    throw error;
  }
}

function outside({ field, path }: NamedPath, roots: readonly string[]): PyroError {
  const [where, use] =
    roots.length === 0
      ? ["This server may use no folder of the host", ""]
      : [`This server may only use ${roots.join(", ")}`, "Use a path in there, or ask"];
  return new PyroError("permission_denied", `${field} ${path} leads elsewhere. ${where}.`, {
    hint: forPerson`${use === "" ? "Ask" : use} the user to start the server with --allow-host-path and the folder.`,
  });
}
