// Owns which git of this host is run, and where its children look for programs. Never in a folder that content or another user can write.
import { lstat, realpath, stat } from "node:fs/promises";
import { basename, delimiter, dirname, isAbsolute, join, normalize } from "node:path";
import { PyroError } from "../../base/error.js";
import type { GitWish } from "../../base/git-wish.js";
import { findProgram, lookUpProgram, systemPath } from "../../base/host-program.js";
import { runProgram } from "../../base/spawn.js";
import { userId } from "../../base/user.js";
import { isWithin, realPathOf, realRoots, type Roots } from "./roots.js";

export interface HostGit {
  /** Absolute. */
  readonly program: string;
  /** PATH for what it starts on the user's behalf, such as ssh. */
  readonly path: string;
}

export interface GitSearch {
  /** Only the system's folders count where it is absent. */
  readonly wish?: GitWish | undefined;
  /** Folders of the project, and those that a call may use: nothing in there is run. */
  readonly away: readonly string[];
  readonly signal: AbortSignal;
}

/** The newest git, or the one that the user names. What a program says of its version is asked once. */
export type GitFinder = (search: GitSearch) => Promise<HostGit>;

/** Of a PATH that has no end. */
const maxFolders = 256;

const versionTimeoutMs = 10_000;

export function openGitFinder(): GitFinder {
  const versions: Versions = new Map();
  return async ({ wish, away, signal }) => {
    const roots = await realRoots(away);
    const folders = await trustedFolders(wish?.path ?? "", roots);
    const path = [...folders, systemPath].join(delimiter);
    const named = wish?.program ?? "";
    if (named !== "") return { program: await checkNamed(named, roots), path };
    const system = await lookUpProgram("git");
    const own = system === undefined ? [] : [await asCandidate(system)];
    const program = await newestOf([...own, ...(await gitsIn(folders, roots))], versions, signal);
    return { program: program ?? (await findProgram("git")), path };
  };
}

interface Candidate {
  readonly program: string;
  /** Changes with the file. */
  readonly identity: string;
}

async function gitsIn(folders: readonly string[], roots: Roots): Promise<readonly Candidate[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const program = join(folder, "git");
      const unfit = (await whyUnfit(program, roots)) !== undefined || (await isInCheckout(await realpath(program)));
      return unfit ? undefined : asCandidate(program);
    }),
  );
  return found.filter((each) => each !== undefined);
}

async function asCandidate(program: string): Promise<Candidate> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(program, { bigint: true });
  return { program, identity: [dev, ino, size, mtimeNs, ctimeNs].join(" ") };
}

type Versions = Map<string, Promise<readonly number[] | undefined>>;

/** The first of those with the highest version; nobody is asked where there is only one. */
async function newestOf(
  found: readonly Candidate[],
  versions: Versions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const distinct = found.filter(
    ({ identity }, index) => found.findIndex((each) => each.identity === identity) === index,
  );
  const [first, ...more] = distinct;
  if (first === undefined || more.length === 0) return first?.program;
  const asked = await Promise.all(
    distinct.map(async (candidate) => ({ ...candidate, version: await versionOf(candidate, versions, signal) })),
  );
  const newest = asked.reduce((best, each) => (isNewer(each.version, best.version) ? each : best));
  return newest.program;
}

async function versionOf({ program, identity }: Candidate, versions: Versions, signal: AbortSignal) {
  const key = `${program}\0${identity}`;
  const known = versions.get(key) ?? askVersion(program);
  versions.set(key, known);
  const version = await known;
  signal.throwIfAborted();
  return version;
}

/** Undefined for what does not say it: it is no git that works. Not a caller's to cancel: others wait for it too. */
async function askVersion(program: string): Promise<readonly number[] | undefined> {
  const env = { PATH: systemPath, LC_ALL: "C", HOME: "/nonexistent" };
  const how = { signal: new AbortController().signal, env, cwd: "/", timeoutMs: versionTimeoutMs };
  const said = await runProgram(program, ["--version"], how).catch(() => undefined);
  const text = /^git version (\d+(?:\.\d+)*)/u.exec(said?.stdout ?? "")?.[1];
  return text?.split(".").map(Number);
}

function isNewer(one: readonly number[] | undefined, other: readonly number[] | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  const at = one.findIndex((part, index) => part !== (other[index] ?? 0));
  return at >= 0 && (one[at] ?? 0) > (other[at] ?? 0);
}

/** Those of a PATH that may be run from, without links; a system folder comes anyway. */
async function trustedFolders(path: string, roots: Roots): Promise<readonly string[]> {
  const named = path.split(delimiter).filter(isAbsolute).map(withoutSlash).slice(0, maxFolders);
  const system = new Set(await realRoots(systemPath.split(delimiter)));
  const judged = await Promise.all(
    [...new Set(named)].map(async (folder) => {
      const real = await realPathOf(folder);
      if (real === undefined || system.has(real)) return undefined;
      for (const each of new Set([folder, real])) {
        if (isWithin(each, roots) || (await isInCheckout(each))) return undefined;
      }
      return (await isOwn(real)) ? real : undefined;
    }),
  );
  return [...new Set(judged.filter((each) => each !== undefined))];
}

function withoutSlash(path: string): string {
  return normalize(path).replace(/(?<=.)\/+$/u, "");
}

/** Why a program may not be run; undefined where it may, unless it lies in a checkout. */
async function whyUnfit(program: string, roots: Roots): Promise<string | undefined> {
  const real = await realPathOf(program);
  const found = real === undefined ? undefined : await stat(real).catch(() => undefined);
  if (real === undefined || found === undefined) return "does not exist";
  if (!found.isFile() || (found.mode & 0o111) === 0) return "is no program";
  const inside = [program, real].find((each) => isWithin(each, roots));
  if (inside !== undefined) return `is ${inside}, in a folder of the project or of what a call may use`;
  const own = (await isOwn(real)) && (await isOwn(await realpath(dirname(program))));
  return own ? undefined : "can be written by others than this user and root, or lies in a folder that can";
}

/** The git that the user names may lie in a checkout, as one that they have built. */
async function checkNamed(program: string, roots: Roots): Promise<string> {
  const named = normalize(program);
  const why = isAbsolute(program) ? await whyUnfit(named, roots) : "is no absolute path";
  if (why === undefined) return join(await realpath(dirname(named)), basename(named));
  throw new PyroError("failed_precondition", `PYRO_GIT: ${JSON.stringify(program)} ${why}.`, {
    hint: "Name a git by its absolute path, or unset PYRO_GIT: the newest of the system's folders and of PATH is taken.",
  });
}

/** Whether it or a folder above has a `.git`. */
async function isInCheckout(path: string): Promise<boolean> {
  const marks = await Promise.all(
    foldersOf(path).map(async (folder) => {
      const mark = await lstat(join(folder, ".git")).catch(() => undefined);
      return mark !== undefined;
    }),
  );
  return marks.includes(true);
}

/** Whether it and every folder above belong to root or the user, and nobody else can write there; a sticky folder keeps names. */
async function isOwn(real: string): Promise<boolean> {
  const owners = new Set([0, userId()]);
  const judged = await Promise.all(
    foldersOf(real).map(async (each) => {
      const found = await stat(each).catch(() => undefined);
      if (found === undefined || !owners.has(found.uid)) return false;
      const isSticky = found.isDirectory() && (found.mode & 0o1000) !== 0 && each !== real;
      return isSticky || (found.mode & 0o022) === 0;
    }),
  );
  return judged.every(Boolean);
}

/** The path and what is above it. */
function foldersOf(path: string): readonly string[] {
  const folders = [path];
  for (let at = path; at !== dirname(at); at = dirname(at)) folders.push(dirname(at));
  return folders;
}
