// Owns listing what a folder's seed consists of: a checkout by git's own rules, any other folder whole. Never reads content.
import { constants } from "node:fs";
import { access, lstat, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { git } from "./git-command.js";
import { commonFolder, listGitFiles, listGitFolder } from "./git-folder.js";
import { under, unfitReason, type Item, type Listing, type Skipped } from "./listing.js";
import { displayName, type ByteString } from "./tar-entry.js";
import { statPaths, statTree, type FoundPath } from "./tree-stat.js";

interface Checkout {
  /** The folder on the host. */
  readonly root: string;
  readonly gitDir: string;
  /** Where it goes in the seed: empty for the root, a submodule's path otherwise. */
  readonly path: ByteString;
}

interface Walk {
  /** The folder that the caller named, without symbolic links. */
  readonly seedRoot: string;
  /** The folder of its repository, whose modules go along; undefined where there is none. */
  readonly gitDir: string | undefined;
  readonly signal: AbortSignal;
}

/** Only the root of a checkout is one: a folder below it is seeded whole, ignored files included, and without `.git`. */
export async function listDirectory(path: string, signal: AbortSignal): Promise<Listing> {
  const seedRoot = await folderAt(path);
  const gitDir = await gitFolderOf(seedRoot);
  const walk = { seedRoot, gitDir, signal };
  const items =
    gitDir === undefined
      ? await listPlain(walk, { root: seedRoot, path: "" })
      : await listCheckout(walk, { root: seedRoot, gitDir, path: "" });
  const kept = new Map<ByteString, Item>();
  const skipped: Skipped[] = [];
  for (const item of items) {
    const reason = item.kind === "copied" ? unfitReason(item.found) : undefined;
    if (reason !== undefined) skipped.push({ path: displayName(item.path), reason });
    // The first of two sources of one object is as good as the second.
    const entering = reason === undefined ? item : emptyFolder(item);
    if (entering !== undefined && !kept.has(item.path)) kept.set(item.path, entering);
  }
  const sorted = [...kept.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { mode: gitDir === undefined ? "directory" : "git", root: seedRoot, gitDir, items: sorted, skipped };
}

/** What a folder that may not be entered leaves in the seed; undefined for anything else. */
function emptyFolder({ path, ...item }: Item): Item | undefined {
  if (item.kind !== "copied" || item.found.type !== "d") return undefined;
  const { identity, changed } = item.found;
  return { kind: "made", path, identity, changed, content: undefined };
}

async function folderAt(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) {
      await access(real, constants.R_OK | constants.X_OK);
      return real;
    }
  } catch (error) {
    if (!hasErrno(error, "ENOENT") && !hasErrno(error, "ENOTDIR") && !hasErrno(error, "EACCES")) throw error;
    const why = hasErrno(error, "EACCES") ? "may not be read" : "does not exist";
    throw new PyroError("invalid_argument", `The seed's folder ${path} ${why}.`, { cause: error });
  }
  throw new PyroError("invalid_argument", `The seed ${path} is neither a folder nor an archive.`, {
    hint: "Name a folder, or a .tar, .tar.gz, .tgz or .tar.zst file.",
  });
}

/** The repository of the checkout whose root is `root`, `.git` files of worktrees and submodules resolved. */
export async function gitFolderOf(root: string): Promise<string | undefined> {
  const path = join(root, ".git");
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return (await isRepository(real)) ? real : undefined;
    const target = /^gitdir: (.*?)\n*$/u.exec(await readFile(real, "utf8"))?.[1];
    const folder = target === undefined ? undefined : await realpath(resolve(dirname(real), target));
    return folder !== undefined && (await isRepository(folder)) ? folder : undefined;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP"].some((code) => hasErrno(error, code))) return undefined;
    throw error;
  }
}

async function isRepository(folder: string): Promise<boolean> {
  const common = (await commonFolder(folder)) ?? folder;
  const parts = [join(folder, "HEAD"), join(common, "objects"), join(common, "refs")];
  const found = await Promise.all(parts.map(async (part) => lstat(part).catch(() => undefined)));
  return found.every((part) => part !== undefined);
}

async function listPlain(walk: Walk, folder: { root: string; path: ByteString }): Promise<readonly Item[]> {
  const found = await statTree(folder.root, walk.signal);
  const placement = { source: folder.root, path: folder.path, seedRoot: walk.seedRoot };
  const items = await listGitFiles(placement, found, walk.signal);
  const pointers = found.filter(({ path, type }) => type === "f" && /(^|\/)\.git$/u.test(path));
  if (pointers.length === 0) return items;
  const places = pointers.map(({ path }) => under(folder.path, dirname(path) === "." ? "" : dirname(path)));
  const repositories = await Promise.all(places.map(async (place) => listRepositoryOf(walk, place)));
  const resolved = new Set(places.filter((_, index) => (repositories[index]?.length ?? 0) > 0).map(gitPathIn));
  return [...items.filter(({ path }) => !resolved.has(path)), ...repositories.flat()];
}

function gitPathIn(place: ByteString): ByteString {
  return under(place, ".git");
}

async function listCheckout(walk: Walk, checkout: Checkout): Promise<readonly Item[]> {
  const { root, gitDir, path } = checkout;
  const listFiles = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const [listed, repository] = await Promise.all([
    git({ args: listFiles, gitDir, workTree: root, signal: walk.signal }),
    listRepositoryOf(walk, path),
  ]);
  const names = new Set(
    listed
      .split("\0")
      .map((name) => name.replace(/\/$/u, ""))
      .filter((name) => name !== ""),
  );
  const parents = new Set([...names].flatMap(parentsOf));
  const found = await statPaths(root, { paths: [...new Set([...parents, ...names])], signal: walk.signal });
  const present = withoutMovedParents(found);
  const folders = present.filter((entry) => entry.type === "d" && names.has(entry.path) && !parents.has(entry.path));
  const nested = await Promise.all(folders.map(async (folder) => listNested(walk, checkout, folder.path)));
  const own = present.map((entry): Item => ({ kind: "copied", root, found: entry, path: under(path, entry.path) }));
  return [...repository, ...own, ...nested.flat()];
}

/** A submodule, or a repository inside a checkout: git lists it as one name. A folder without a repository is left empty. */
async function listNested(walk: Walk, { root, path }: Checkout, name: ByteString): Promise<readonly Item[]> {
  const folder = join(root, Buffer.from(name, "latin1").toString("utf8"));
  const gitDir = await gitFolderOf(folder);
  return gitDir === undefined ? [] : listCheckout(walk, { root: folder, gitDir, path: under(path, name) });
}

/** The `.git` of the checkout at `place`: a file that points into the seed's own repository, else a folder. */
async function listRepositoryOf(walk: Walk, place: ByteString): Promise<readonly Item[]> {
  const { seedRoot, signal } = walk;
  const placeText = Buffer.from(place, "latin1").toString("utf8");
  const source = await gitFolderOf(join(seedRoot, placeText));
  if (source === undefined) return [];
  const path = gitPathIn(place);
  const inside = walk.gitDir === undefined || place === "" ? undefined : relative(walk.gitDir, source);
  if (inside === undefined || !inside.startsWith("modules/")) {
    return listGitFolder({ source, path, seedRoot }, signal);
  }
  const target = relative(placeText, join(".git", inside));
  const content = Buffer.from(`gitdir: ${target}\n`);
  return [{ kind: "made", path, identity: `f ${target}`, changed: 0, content: async () => Promise.resolve(content) }];
}

function parentsOf(name: ByteString): readonly ByteString[] {
  const parents: ByteString[] = [];
  for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1)) parents.push(name.slice(0, end));
  return parents;
}

/** A tracked file below what is now a symbolic link is no longer there, though its path leads somewhere. */
function withoutMovedParents(found: readonly FoundPath[]): readonly FoundPath[] {
  const notFolders = new Set(found.filter(({ type }) => type !== "d").map(({ path }) => path));
  return found.filter(({ path }) => !parentsOf(path).some((parent) => notFolders.has(parent)));
}
