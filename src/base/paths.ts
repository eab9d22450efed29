// Owns where pyro keeps things on the host, and that those folders belong to the user alone. Never reads their content.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, chmod, lstat, mkdir } from "node:fs/promises";
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
export async function locatePaths(env: NodeJS.ProcessEnv = process.env): Promise<Paths> {
  const wanted = resolvePaths(env);
  return wanted.sockets === "" ? { ...wanted, sockets: await defaultSocketFolder(wanted.state) } : wanted;
}

/** The same, with the folders made, private to the user and fit for sockets. */
export async function preparePaths(env: NodeJS.ProcessEnv = process.env): Promise<Paths> {
  const paths = await locatePaths(env);
  // Checked by itself: whoever owns the folder around could exchange what is in it.
  if (paths.home === undefined) await makePrivate(dirname(paths.sockets));
  for (const folder of [paths.state, paths.cache, paths.sockets]) await makePrivate(folder);
  await makeFolder(paths.environments, 0o777);
  await checkReadable(paths.environments);
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
async function defaultSocketFolder(state: string): Promise<string> {
  const uid = userId();
  const session = `/run/user/${uid}`;
  const owned = await lstat(session).then(
    (stat) => stat.isDirectory() && stat.uid === uid,
    () => false,
  );
  const all = owned ? join(session, "pyro") : `/tmp/pyro-${uid}`;
  return join(all, createHash("sha256").update(state).digest("hex").slice(0, 8));
}

/** May belong to somebody else, who installs for all; then it has to be open to us at least. */
async function checkReadable(folder: string): Promise<void> {
  try {
    await access(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw new PyroError("permission_denied", `The environments in ${folder} cannot be read by this user.`, {
      hint: `Open ${folder} to this user, or set PYRO_ENVIRONMENT_CACHE_DIR to another folder.`,
      cause: error,
    });
  }
}

async function makePrivate(folder: string): Promise<void> {
  await makeFolder(folder, 0o700);
  const stat = await lstat(folder);
  if (!stat.isDirectory() || stat.uid !== userId()) {
    throw new PyroError("permission_denied", `${folder} is not a folder of this user's.`, {
      hint: `Remove ${folder}, or set PYRO_HOME to a folder of your own.`,
    });
  }
  if ((stat.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

/** Level by level: Node's own recursive mkdir never ends where a file system answers ENOENT for ever, as /proc does. */
async function makeFolder(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return;
    if (!hasErrno(error, "ENOENT") || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder), mode);
    await mkdir(folder, { mode }).catch((again: unknown) => {
      if (!hasErrno(again, "EEXIST")) throw again;
    });
  }
}
