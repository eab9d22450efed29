// Owns whether what a host path leads to lies in the folders that a call may use, judged on what was opened. Never by a name alone.
import { constants } from "node:fs";
import { lstat, open, readlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, relative, sep } from "node:path";
import { hasErrno, PyroError } from "./error.js";
import { either, field as callField, say } from "./say.js";

/** Real paths of the folders that a call may use; undefined: whoever calls may use what the user may. */
export type AllowedRoots = readonly string[] | undefined;

export interface HostPathJudge {
  readonly roots: AllowedRoots;
  /** The argument that named the path, for the message. */
  readonly field: string;
  /** It may lie in a `.git`: nobody named it, but a repository that somebody named. */
  readonly inGit?: boolean;
}

/** Something on the host that stays what it is, whatever happens to its name. */
export interface OpenedPath extends AsyncDisposable {
  /** Opened by O_PATH: stands for the inode; neither blocks nor reads. */
  readonly handle: FileHandle;
  /** Without links and `..`: where the kernel found it. */
  readonly path: string;
  readonly kind: "file" | "directory" | "other";
}

/** Linux; Node does not name it. */
const O_PATH = 0o10000000;

/**
 * Follows links as the kernel does, and judges where they led. Throws `permission_denied` for what lies elsewhere or in a
 * `.git`, also where nothing is there, and else the kernel's own error.
 */
export async function openWithin(path: string, judge: HostPathJudge): Promise<OpenedPath> {
  if (path.includes("\0")) throw new PyroError("invalid_argument", `${judge.field} has a NUL character.`);
  let handle;
  try {
    handle = await open(path, O_PATH);
  } catch (error) {
    if (judge.roots !== undefined) await judgeMissing(path, judge);
    throw error;
  }
  try {
    const opened = await describe(handle);
    judgeReal(opened.path, path, judge);
    return opened;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** One name in an opened folder, without following it; the kernel's own error where it is missing. */
export async function openEntry(folder: OpenedPath, name: string | Buffer): Promise<OpenedPath> {
  const bytes = Buffer.from(name);
  const text = bytes.toString("latin1");
  if (text === "" || text === "." || text === ".." || /[/\0]/u.test(text)) {
    throw new PyroError("invalid_argument", `${JSON.stringify(bytes.toString())} is no name in a folder.`);
  }
  const handle = await open(
    Buffer.concat([Buffer.from(`${descriptorPath(folder)}/`), bytes]),
    O_PATH | constants.O_NOFOLLOW,
  );
  try {
    return await describe(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A name for the inode itself, good for this process while it is open. */
export function descriptorPath({ handle }: Pick<OpenedPath, "handle">): string {
  return `/proc/self/fd/${handle.fd}`;
}

async function describe(handle: FileHandle): Promise<OpenedPath> {
  const [path, stat] = await Promise.all([readlink(descriptorPath({ handle })), handle.stat()]);
  // What lies outside this process's view of the file system has a path without its slash.
  if (!path.startsWith(sep)) throw new PyroError("permission_denied", `${path} lies outside the file system.`);
  const kind = stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other";
  return { handle, path, kind, [Symbol.asyncDispose]: async () => handle.close() };
}

function judgeReal(real: string, named: string, { roots, field, inGit = false }: HostPathJudge): void {
  if (roots === undefined) return;
  const root = roots
    .filter((each) => isInside(real, each))
    .sort((left, right) => right.length - left.length)
    .at(0);
  if (root === undefined) throw outside(named, { roots, field });
  // Its hooks run on the host, and its config can hold tokens that a seed of the whole checkout leaves out.
  if (!inGit && relative(root, real).toLowerCase().split(sep).includes(".git")) {
    throw new PyroError("permission_denied", `${field} ${named} is inside a .git folder.`, {
      hint: "Name the checkout itself, or another folder.",
    });
  }
}

/** Of what cannot be opened, the nearest folder above that can: nobody learns what there is elsewhere, by a link either. */
async function judgeMissing(path: string, judge: HostPathJudge): Promise<void> {
  for (let missing = path; missing !== dirname(missing); missing = dirname(missing)) {
    try {
      await using above = await openWithin(dirname(missing), { ...judge, roots: undefined });
      judgeReal(above.path, path, judge);
      const found = await lstat(`${descriptorPath(above)}/${basename(missing)}`).catch(() => undefined);
      if (found?.isSymbolicLink() === true) throw outside(path, judge);
      return;
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"].some((code) => hasErrno(error, code))) throw error;
    }
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === sep ? sep : folder + sep);
}

function outside(named: string, { roots = [], field }: HostPathJudge): PyroError {
  const [where, use] =
    roots.length === 0
      ? ["This call may use no folder of the host", "Have"]
      : [`This call may only use ${roots.join(", ")}`, "Use a path in there, or have"];
  return new PyroError("permission_denied", `${field} ${named} leads elsewhere. ${where}.`, {
    hint: say`${use} that folder allowed${either(say` by ${callField("workspace_create", "allow_host_paths")}`)}.`,
  });
}
