// Owns where pyro keeps things on the host, and that those folders belong to the user alone. Never reads their content.
import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, lstatSync, mkdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { PyroError, hasErrno } from "./error.js";
import { userHome, userId } from "./user.js";

export interface Paths {
  /** Records, journals and disks: what must survive. */
  readonly state: string;
  /** Content-addressed environments. */
  readonly environments: string;
  /** Templates and probe verdicts: rebuilt when lost. */
  readonly cache: string;
  /** The user's settings file; it need not exist. */
  readonly settings: string;
  /** Unix sockets, whose paths must stay under 108 bytes. */
  readonly sockets: string;
  /** The value of PYRO_HOME where it is set, to hand on to children. */
  readonly home: string | undefined;
}

/** Longest path that a unix socket can be bound to, in bytes; Node cuts longer ones without a word. */
export const maxSocketPathBytes = 107;

/** Works out the folders from PYRO_HOME, PYRO_ENVIRONMENT_CACHE_DIR and the user's home; nothing else counts. */
export function resolvePaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const home = absolute("PYRO_HOME", env["PYRO_HOME"]);
  const environments = absolute("PYRO_ENVIRONMENT_CACHE_DIR", env["PYRO_ENVIRONMENT_CACHE_DIR"]);
  const folders = home === undefined ? foldersOfUser(userHome(env)) : foldersIn(home);
  return { home, ...folders, environments: environments ?? join(folders.cache, "environments") };
}

function foldersOfUser(user: string) {
  return {
    state: join(user, ".local", "state", "pyro"),
    cache: join(user, ".cache", "pyro-mcp"),
    settings: join(user, ".config", "pyro", "settings.json"),
    sockets: "",
  };
}

function foldersIn(home: string) {
  return {
    state: join(home, "state"),
    cache: join(home, "cache"),
    settings: join(home, "settings.json"),
    sockets: join(home, "run"),
  };
}

/** The same with the socket folder that will be used; makes nothing. */
export function locatePaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const wanted = resolvePaths(env);
  return wanted.sockets === "" ? { ...wanted, sockets: defaultSocketFolder(wanted.state) } : wanted;
}

/** The same, with the folders made, private to the user and fit for sockets. A dozen calls of the kernel, which are not worth a thread each. */
export function preparePaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const paths = locatePaths(env);
  // Checked by itself: whoever owns the folder around could exchange what is in it.
  if (paths.home === undefined) makePrivate(dirname(paths.sockets));
  for (const folder of [paths.state, paths.cache, paths.sockets]) makePrivate(folder);
  makeFolder(paths.environments, 0o777);
  checkReadable(paths.environments);
  // The longest name below it is `m/<id>/agent.sock`.
  if (Buffer.byteLength(paths.sockets) > maxSocketPathBytes - 40) {
    throw new PyroError("failed_precondition", `The socket folder's path is too long: ${paths.sockets}`, {
      hint: "Set PYRO_HOME to a shorter path (under 60 bytes).",
    });
  }
  return paths;
}

function absolute(name: string, value: string | undefined): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (!isAbsolute(value)) {
    throw new PyroError("invalid_argument", `${name} must be an absolute path, but is ${JSON.stringify(value)}.`, {
      hint: `Set ${name} to an absolute path, or unset it.`,
    });
  }
  return value;
}

/** One per state folder: a user can have several, each with its daemon, by changing HOME. */
function defaultSocketFolder(state: string): string {
  const uid = userId();
  const session = `/run/user/${uid}`;
  const all = isFolderOf(uid, session) ? join(session, "pyro") : `/tmp/pyro-${uid}`;
  return join(all, createHash("sha256").update(state).digest("hex").slice(0, 8));
}

function isFolderOf(uid: number, folder: string): boolean {
  try {
    const stat = lstatSync(folder);
    return stat.isDirectory() && stat.uid === uid;
  } catch {
    return false;
  }
}

/** May belong to somebody else, who installs for all; then it has to be open to us at least. */
function checkReadable(folder: string): void {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw new PyroError("permission_denied", `The environments in ${folder} cannot be read by this user.`, {
      hint: `Open ${folder} to this user, or set PYRO_ENVIRONMENT_CACHE_DIR to another folder.`,
      cause: error,
    });
  }
}

function makePrivate(folder: string): void {
  makeFolder(folder, 0o700);
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== userId()) {
    throw new PyroError("permission_denied", `${folder} is not a folder of this user's.`, {
      hint: `Remove ${folder}, or set PYRO_HOME to a folder of your own.`,
    });
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** Level by level: Node's own recursive mkdir never ends where a file system answers ENOENT for ever, as /proc does. */
function makeFolder(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return;
    if (!hasErrno(error, "ENOENT") || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder), mode);
    try {
      mkdirSync(folder, { mode });
    } catch (again) {
      if (!hasErrno(again, "EEXIST")) throw again;
    }
  }
}
