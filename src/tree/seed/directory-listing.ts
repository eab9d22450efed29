// Owns listing what a folder's seed consists of: a checkout by git's own rules, any other folder whole. Never reads content.
import { dirname, join, posix, relative } from "node:path";
import { eachInTurns, sortedInTurns } from "../../base/in-turns.js";
import type { AllowedRoots } from "../../base/host-roots.js";
import { checkoutAbove } from "./checkout-above.js";
import { listGitFiles, listGitFolder } from "./git-folder.js";
import { isIgnoredPart, listCheckoutFiles } from "../git/list.js";
import { repositoryAt, type FoundRepository, type Repository } from "../git/repository.js";
import { isWithin, realRoots, type Roots } from "../git/roots.js";
import { carryInto, type Carrier } from "./host-settings.js";
import { HostFolders, type HostFolder } from "./host-folder.js";
import { findIncluded, includedPaths } from "./include.js";
import { under, unfitReason, type Item, type Listing, type Skipped } from "./listing.js";
import { displayName, type ByteString } from "../tar/entry.js";
import { statPaths, statTree, type FoundPath } from "./tree-stat.js";

interface Checkout {
  /** The folder on the host. */
  readonly root: HostFolder;
  /** Undefined where it has one that may not be used. */
  readonly repository: Repository | undefined;
  /** Where it goes in the seed: empty for the root, a submodule's path otherwise. */
  readonly path: ByteString;
}

interface Walk extends Pick<ListTask, "scratch" | "signal"> {
  /** The folder that the caller named. */
  readonly seedRoot: HostFolder;
  /** Of that folder, whose modules go along; undefined where there is none. */
  readonly repository: Repository | undefined;
  /** All that were opened for this seed. */
  readonly folders: HostFolders;
  /** Where what content names may lie. */
  readonly roots: Roots;
  readonly leaveOut: (skipped: Skipped) => void;
  /** Told which repositories get something of the user's settings. */
  readonly carry: (carrier: Carrier) => void;
}

export interface ListTask {
  /** Folders of the host, besides the listed one, that its content may lead to. */
  readonly allowHostPaths: readonly string[];
  /** Paths below it that enter though they do not belong to it; none when absent. */
  readonly include?: readonly string[];
  /** Where a checkout may lie that the folder is a part of; anywhere when absent. */
  readonly allowedRoots?: AllowedRoots;
  /** The argument that named the folder. */
  readonly field: string;
  /** Where scratch folders are made. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** Of a folder in a checkout, what the checkout's rules say, without its `.git`; whole where the checkout ignores it. */
export async function listDirectory(seedRoot: HostFolder, task: ListTask): Promise<Listing> {
  const folders = new HostFolders();
  try {
    return await listFrom(seedRoot, folders, task);
  } catch (error) {
    await folders[Symbol.asyncDispose]();
    throw error;
  }
}

async function listFrom(seedRoot: HostFolder, folders: HostFolders, task: ListTask): Promise<Listing> {
  const { allowHostPaths, include = [], scratch, signal } = task;
  const wanted = includedPaths(include);
  const named = [seedRoot.path, ...(await realRoots(allowHostPaths))];
  const found = await repositoryAt(seedRoot, { folders, roots: named, signal });
  const repository = found.kind === "found" ? found.repository : undefined;
  // Repositories of submodules lie in that of the checkout.
  const roots = repository === undefined ? named : [...named, join(repository.gitDir.path, "modules")];
  const notices: Skipped[] = [];
  const leaveOut = (skipped: Skipped) => void notices.push(skipped);
  const carriers: Carrier[] = [];
  const carry = (carrier: Carrier) => void carriers.push(carrier);
  const walk: Walk = { seedRoot, repository, folders, roots, leaveOut, carry, scratch, signal };
  const own =
    found.kind === "none"
      ? ((await listPart(walk, task)) ?? (await listPlain(walk, { root: seedRoot, path: "" })))
      : await listCheckout(walk, { root: seedRoot, repository, path: "" });
  const items = carryInto([...own, ...(await listIncluded(walk, wanted))], carriers);
  const kept = new Map<ByteString, Item>();
  const unfit: Skipped[] = [];
  await eachInTurns(items, (item) => {
    // Of an export that is under way: its name is not to be told.
    if (isStaging(item.path)) return;
    const reason = item.kind === "copied" ? unfitReason(item.found) : undefined;
    if (reason !== undefined) unfit.push({ path: displayName(item.path), reason });
    // The first of two sources of one object is as good as the second.
    const entering = reason === undefined ? item : emptyFolder(item);
    if (entering !== undefined && !kept.has(item.path)) kept.set(item.path, entering);
  });
  const sorted: Item[] = [];
  await eachInTurns(await sortedInTurns([...kept.keys()]), (path) => {
    const item = kept.get(path);
    if (item !== undefined) sorted.push(item);
  });
  return {
    mode: repository === undefined ? "directory" : "git",
    root: seedRoot.path,
    repository,
    items: sorted,
    skipped: [...notices, ...unfit],
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

/** Undefined where the folder is no part of a checkout whose rules count. */
async function listPart(walk: Walk, { allowedRoots, field }: ListTask): Promise<readonly Item[] | undefined> {
  const { seedRoot, signal } = walk;
  const above = await checkoutAbove(seedRoot, { ...walk, allowedRoots, field });
  if (above.kind === "none") return undefined;
  if (above.kind === "foreign") {
    walk.leaveOut({
      path: ".git",
      reason: `the checkout ${above.path} is another user's: its ignore rules do not count`,
    });
    return undefined;
  }
  const { root, repository, prefix } = above;
  const part = { folder: seedRoot, prefix };
  const checkout = { ...walk, root, repository, part, roots: [...walk.roots, root.path] };
  const { names, notices } = await listCheckoutFiles(checkout);
  const below = new Set<ByteString>();
  await eachInTurns(names, (name) => {
    if (name.startsWith(`${prefix}/`)) below.add(name.slice(prefix.length + 1));
  });
  if (below.size === 0 && (await isIgnoredPart(checkout))) return undefined;
  const shown = displayName(prefix);
  for (const { path, reason } of notices) {
    walk.leaveOut({
      path: path.startsWith(`${shown}/`) ? path.slice(shown.length + 1) : `${root.path}/${path}`,
      reason,
    });
  }
  const reason = `${shown}/ is a part of the checkout ${root.path}: what that ignores is left out, and git inside lacks its history`;
  walk.leaveOut({ path: ".git", reason });
  signal.throwIfAborted();
  return listNames(walk, { root: seedRoot, path: "" }, below);
}

async function listPlain(walk: Walk, folder: { root: HostFolder; path: ByteString }): Promise<readonly Item[]> {
  const found = await statTree(folder.root, walk.signal);
  const placement = { ...walk, source: folder.root, path: folder.path };
  const items = await listGitFiles(placement, found, walk.signal);
  const pointers = found.filter(({ path, type }) => type === "f" && /(^|\/)\.git$/u.test(path));
  if (pointers.length === 0) return items;
  const places = pointers.map(({ path }) => under(folder.path, dirname(path) === "." ? "" : dirname(path)));
  const repositories = await Promise.all(
    places.map(async (place) => listRepositoryOf(walk, place, await foundAt(walk, place))),
  );
  const resolved = new Set(places.filter((_, index) => repositories[index] !== undefined).map(gitPathIn));
  return [...items.filter(({ path }) => !resolved.has(path)), ...repositories.flatMap((each) => each ?? [])];
}

/** What the user names besides; what is there already is so twice. */
async function listIncluded(walk: Walk, paths: readonly ByteString[]): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (const path of paths) {
    const { way, isFolder } = await findIncluded(walk.seedRoot, path, walk.signal);
    await eachInTurns(
      way,
      (found) => void items.push({ kind: "copied", root: walk.seedRoot, found, path: found.path }),
    );
    const root = isFolder ? await walk.folders.below(walk.seedRoot, path) : undefined;
    const inside = root === undefined ? [] : await listPlain(walk, { root, path });
    await eachInTurns(inside, (item) => void items.push(item));
  }
  return items;
}

function gitPathIn(place: ByteString): ByteString {
  return under(place, ".git");
}

async function foundAt(walk: Walk, place: ByteString): Promise<FoundRepository> {
  const folder = await walk.folders.below(walk.seedRoot, place);
  return folder === undefined ? { kind: "none" } : repositoryAt(folder, walk);
}

async function listCheckout(walk: Walk, checkout: Checkout): Promise<readonly Item[]> {
  const { root, repository, path } = checkout;
  const [{ names, notices, host, isPartial }, own] = await Promise.all([
    listCheckoutFiles({ ...walk, root, repository }),
    foundAt(walk, path).then(async (found) => listRepositoryOf(walk, path, found)),
  ]);
  for (const { path: name, reason } of notices) {
    walk.leaveOut({ path: displayName(under(path, Buffer.from(name).toString("latin1"))), reason });
  }
  if (isPartial) walk.leaveOut({ path: displayName(under(gitPathIn(path), "objects")), reason: isPartialClone });
  if (repository !== undefined) walk.carry({ path: placeOf(walk, path, repository), files: path, host });
  return [...(own ?? []), ...(await listNames(walk, checkout, names))];
}

const isPartialClone =
  "a partial clone: git inside cannot fetch what it lacks, such as older contents; `git fetch --refetch --no-filter` on the host gets all of it";

/** What is there of the names, with the folders above it and what lies in repositories among them. */
async function listNames(
  walk: Walk,
  { root, path }: Pick<Checkout, "root" | "path">,
  names: ReadonlySet<ByteString>,
): Promise<readonly Item[]> {
  const parents = new Set<ByteString>();
  await eachInTurns(names, (name) => {
    for (const parent of parentsOf(name)) parents.add(parent);
  });
  const found = await statPaths(root, { paths: [...new Set([...parents, ...names])], signal: walk.signal });
  const present = await withoutMovedParents(found);
  const folders = present.filter((entry) => entry.type === "d" && names.has(entry.path) && !parents.has(entry.path));
  const nested = await Promise.all(folders.map(async (folder) => listNested(walk, { root, path }, folder.path)));
  const files = present.map((entry): Item => ({ kind: "copied", root, found: entry, path: under(path, entry.path) }));
  return [...files, ...nested.flat()];
}

/** A submodule, or a repository inside a checkout: git lists it as one name. A folder without a repository is left empty. */
async function listNested(
  walk: Walk,
  { root, path }: Pick<Checkout, "root" | "path">,
  name: ByteString,
): Promise<readonly Item[]> {
  const folder = await walk.folders.below(root, name);
  const found = folder === undefined ? undefined : await repositoryAt(folder, walk);
  if (folder === undefined || found === undefined || found.kind === "none") return [];
  const repository = found.kind === "found" ? found.repository : undefined;
  return listCheckout(walk, { root: folder, repository, path: under(path, name) });
}

/** Where the repository of the checkout at `place` goes: into the `.git` there, where it does not lie in the seed's own. */
function placeOf(walk: Walk, place: ByteString, { gitDir }: Repository): ByteString {
  const own = walk.repository?.gitDir.path;
  if (own === undefined || !isWithin(gitDir.path, [join(own, "modules")])) return gitPathIn(place);
  return under(".git", Buffer.from(relative(own, gitDir.path)).toString("latin1"));
}

/** The `.git` of the checkout at `place`: a file that points into the seed's own repository, else a folder; undefined for none. */
async function listRepositoryOf(
  walk: Walk,
  place: ByteString,
  found: FoundRepository,
): Promise<readonly Item[] | undefined> {
  const path = gitPathIn(place);
  if (found.kind === "none") return undefined;
  if (found.kind === "left-out") {
    walk.leaveOut({ path: displayName(path), reason: found.reason });
    return [];
  }
  const repository = placeOf(walk, place, found.repository);
  if (repository === path) return listGitFolder(found.repository, { ...walk, path }, walk.signal);
  const target = posix.relative(`/${place}`, `/${repository}`);
  const content = Buffer.from(`gitdir: ${target}\n`, "latin1");
  return [{ kind: "made", path, identity: `f ${target}`, changed: 0, content: async () => Promise.resolve(content) }];
}

function parentsOf(name: ByteString): readonly ByteString[] {
  const parents: ByteString[] = [];
  for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1)) parents.push(name.slice(0, end));
  return parents;
}

/** A tracked file below what is now a symbolic link is no longer there, though its path leads somewhere. */
async function withoutMovedParents(found: readonly FoundPath[]): Promise<readonly FoundPath[]> {
  const notFolders = new Set<ByteString>();
  await eachInTurns(found, ({ type, path }) => {
    if (type !== "d") notFolders.add(path);
  });
  const present: FoundPath[] = [];
  await eachInTurns(found, (entry) => {
    if (!parentsOf(entry.path).some((parent) => notFolders.has(parent))) present.push(entry);
  });
  return present;
}
