// Owns how a program gets a root file system's worth of user ids, and that it dies with us. Never runs one.
import { readFile } from "node:fs/promises";
import { asPyroError } from "../base/error.js";
import { runProgram } from "../base/spawn.js";
import { findProgram, missingPrograms, systemPath } from "../base/host-program.js";
import { namespaceObstacle, namespaceSettings, type NamespaceObstacle } from "./user-namespaces.js";
import { userId, userName } from "../base/user.js";

/**
 * The words before a command that give it uid 0 to 65535, mounts and processes of its own.
 * When this process or `unshare` is killed, all of it is killed and its mounts are gone.
 */
export async function isolated(command: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const setpriv = [await findProgram("setpriv"), "--pdeathsig", "KILL"];
  const unshare = [await findProgram("unshare"), ...identity(), ...separation];
  if (userId() !== 0 || (await complaint([...unshare, "true"], signal)) === undefined)
    return [...setpriv, ...unshare, ...command];
  // Root in a container that may not make namespaces: the process group is all there is to kill.
  return [...setpriv, ...command];
}

/** The same ids alone, enough to remove what such a command left. */
export async function asMappedRoot(command: readonly string[]): Promise<readonly string[]> {
  return userId() === 0 ? command : [await findProgram("unshare"), ...identity(), ...command];
}

/** Why this user cannot have those ids, with the line that changes it; undefined when all is well. */
export async function missingIds(signal: AbortSignal): Promise<string | undefined> {
  const uid = userId();
  const username = userName();
  const missing = await missingPrograms(uid === 0 ? ["setpriv", "unshare"] : ["setpriv", "unshare", "newuidmap"]);
  if (missing !== undefined || uid === 0) return missing;
  if (username === undefined)
    return `user ${uid} has no passwd entry, which newuidmap needs; run: sudo useradd --uid ${uid} pyro`;
  const [uids, gids] = await Promise.all([rangesOf("/etc/subuid"), rangesOf("/etc/subgid")]);
  const [ownUids, ownGids] = [uids, gids].map((ranges) => ranges.some((range) => isOwn(range, uid, username)));
  if (ownUids !== true || ownGids !== true) {
    const range = freeRange([...uids, ...gids]);
    const flags = `${ownUids === true ? "" : ` --add-subuids ${range}`}${ownGids === true ? "" : ` --add-subgids ${range}`}`;
    return `user ${username} has no range of subordinate user ids; run: sudo usermod${flags} ${username}`;
  }
  // As the build will do it: a namespace can be had, and be of no use.
  const said = await complaint([await findProgram("unshare"), ...identity(), ...separation, "true"], signal);
  if (said === undefined) return undefined;
  const { reason, line } = namespaceObstacle(await namespaceSettings(), said);
  return line === undefined ? reason : `${reason}; run: ${line}`;
}

/** Why a user of this host gets no namespaces to build in, whatever ids it has; undefined when all is well. */
export async function missingNamespaces(signal: AbortSignal): Promise<NamespaceObstacle | undefined> {
  const said = await complaint([await findProgram("unshare"), "--map-root-user", ...separation, "true"], signal);
  return said === undefined ? undefined : namespaceObstacle(await namespaceSettings(), said);
}

interface IdRange {
  readonly owner: string;
  readonly first: number;
  readonly count: number;
}

const neededIds = 65536;
/** Mounts and processes of its own, which all end when `unshare` does. */
const separation = ["--mount", "--pid", "--fork", "--kill-child"];

function identity(): readonly string[] {
  return userId() === 0 ? [] : ["--map-root-user", "--map-auto"];
}

function isOwn(range: IdRange, uid: number, username: string): boolean {
  return (range.owner === username || range.owner === String(uid)) && range.count >= neededIds;
}

async function rangesOf(path: string): Promise<readonly IdRange[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const [owner = "", first = "", count = ""] = line.split(":");
    return owner === "" ? [] : [{ owner, first: Number(first), count: Number(count) }];
  });
}

function freeRange(taken: readonly IdRange[]): string {
  const first = Math.max(100_000, ...taken.map((range) => range.first + range.count));
  return `${first}-${first + neededIds - 1}`;
}

/** What the command printed when it failed; undefined when it did not. */
async function complaint([program = "", ...args]: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const env = { PATH: systemPath, LC_ALL: "C" };
  return runProgram(program, args, { signal, env, timeoutMs: 10_000 }).then(
    () => undefined,
    (error: unknown) => {
      signal.throwIfAborted();
      return asPyroError(error).message;
    },
  );
}
