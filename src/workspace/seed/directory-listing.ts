// Owns listing what a folder's seed consists of: a checkout by git's own rules, any other folder whole. Never reads content.
import { lstat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { descriptorPath, type HostPathJudge } from "../../base/host-roots.js";
import { git } from "./git-command.js";
import { commonFolder, listGitFiles, listGitFolder } from "./git-folder.js";
import { findBelow, HostFolders, readBelow, type HostFolder } from "./host-folder.js";
import { under, unfitReason, type Item, type Listing, type Skipped } from "./listing.js";
import { displayName, type ByteString } from "./tar-entry.js";
import { statPaths, statTree, type FoundPath } from "./tree-stat.js";

interface Checkout {
  /** The folder on the host. */
  readonly root: HostFolder;
  readonly gitDir: HostFolder;
  /** Where it goes in the seed: empty for the root, a submodule's path otherwise. */
  readonly path: ByteString;
}

interface Walk {
  /** The folder that the caller named. */
  readonly seedRoot: HostFolder;
  /** The folder of its repository, whose modules go along; undefined where there is none. */
  readonly gitDir: HostFolder | undefined;
  /** All that were opened for this seed. */
  readonly folders: HostFolders;
  /** Of what content names. */
  readonly judge: HostPathJudge;
  readonly signal: AbortSignal;
}

export interface ListTask {
  /** Of what the folder's content names. */
  readonly judge: HostPathJudge;
  readonly signal: AbortSignal;
}

/** Only the root of a checkout is one: a folder below it is seeded whole, ignored files included, and without `.git`. */
export async function listDirectory(seedRoot: HostFolder, task: ListTask): Promise<Listing> {
  const folders = new HostFolders();
  try {
    return await listFrom({ seedRoot, folders, judge: { ...task.judge, inGit: true }, signal: task.signal });
  } catch (error) {
    await folders[Symbol.asyncDispose]();
    throw error;
  }
}

async function listFrom(context: Context): Promise<Listing> {
  const { seedRoot, folders } = context;
  const gitDir = await gitFolderOf(context, seedRoot);
  const walk: Walk = { ...context, gitDir };
  const items =
    gitDir === undefined
      ? await listPlain(walk, { root: seedRoot, path: "" })
      : await listCheckout(walk, { root: seedRoot, gitDir, path: "" });
  const kept = new Map<ByteString, Item>();
  const skipped: Skipped[] = [];
  for (const item of items) {
    // Of an export that is under way: its name is not to be told.
    if (isStaging(item.path)) continue;
    const reason = item.kind === "copied" ? unfitReason(item.found) : undefined;
    if (reason !== undefined) skipped.push({ path: displayName(item.path), reason });
    // The first of two sources of one object is as good as the second.
    const entering = reason === undefined ? item : emptyFolder(item);
    if (entering !== undefined && !kept.has(item.path)) kept.set(item.path, entering);
  }
  const sorted = [...kept.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    mode: gitDir === undefined ? "directory" : "git",
    root: seedRoot.path,
    gitDir: gitDir?.path,
    items: sorted,
    skipped,
    [Symbol.asyncDispose]: async () => folders[Symbol.asyncDispose](),
  };
}

/** As src/workspace/export names what it makes beside its target. */
const stagingFolder = /(^|\/)\.pyro-export-/u;

function isStaging(path: ByteString): boolean {
  return stagingFolder.test(path);
}

/** What a folder that may not be entered leaves in the seed; undefined for anything else. */
function emptyFolder({ path, ...item }: Item): Item | undefined {
  if (item.kind !== "copied" || item.found.type !== "d") return undefined;
  const { identity, changed } = item.found;
  return { kind: "made", path, identity, changed, content: undefined };
}

type Context = Omit<Walk, "gitDir">;

/** Longest file that says where a repository lies, in bytes. */
const maxPointerBytes = 16 * 1024;

/** The repository of the checkout whose root is `root`, `.git` files of worktrees and submodules resolved. */
async function gitFolderOf(context: Context, root: HostFolder): Promise<HostFolder | undefined> {
  await using found = await findBelow(root, ".git");
  if (found === undefined) return undefined;
  const pointer = found.kind === "file" ? await readBelow(root, ".git", { maxBytes: maxPointerBytes }) : undefined;
  const target = pointer === undefined ? ".git" : /^gitdir: (.*?)\n*$/u.exec(pointer.toString("utf8"))?.[1];
  if (target === undefined) return undefined;
  const folder = await context.folders.openIfAllowed(resolve(root.path, target), context.judge);
  return folder !== undefined && (await isRepository(folder)) ? folder : undefined;
}

async function isRepository(folder: HostFolder): Promise<boolean> {
  const common = await commonFolder(folder);
  const shared = common === undefined ? descriptorPath(folder) : common;
  const look = async (path: string) => lstat(path).catch(() => undefined);
  const head = await look(`${descriptorPath(folder)}/HEAD`);
  const folders = [await look(join(shared, "objects")), await look(join(shared, "refs"))];
  // git would wait at a pipe.
  const isHead = head?.isFile() === true || head?.isSymbolicLink() === true;
  return isHead && folders.every((each) => each?.isDirectory() === true || each?.isSymbolicLink() === true);
}

async function listPlain(walk: Walk, folder: { root: HostFolder; path: ByteString }): Promise<readonly Item[]> {
  const found = await statTree(folder.root, walk.signal);
  const placement = { ...walk, source: folder.root, path: folder.path };
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
    git({ args: listFiles, gitDir: gitDir.path, workTree: root.path, signal: walk.signal }),
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
  const folder = await walk.folders.below(root, name);
  const gitDir = folder === undefined ? undefined : await gitFolderOf(walk, folder);
  return folder === undefined || gitDir === undefined
    ? []
    : listCheckout(walk, { root: folder, gitDir, path: under(path, name) });
}

/** The `.git` of the checkout at `place`: a file that points into the seed's own repository, else a folder. */
async function listRepositoryOf(walk: Walk, place: ByteString): Promise<readonly Item[]> {
  const placeText = Buffer.from(place, "latin1").toString("utf8");
  const folder = await walk.folders.below(walk.seedRoot, place);
  const source = folder === undefined ? undefined : await gitFolderOf(walk, folder);
  if (source === undefined) return [];
  const path = gitPathIn(place);
  const inside = walk.gitDir === undefined || place === "" ? undefined : relative(walk.gitDir.path, source.path);
  if (inside === undefined || !inside.startsWith("modules/")) {
    return listGitFolder({ ...walk, source, path }, walk.signal);
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
