// Owns which files of a repository's folder enter a seed, and in what form. Never lists the working tree.
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { eachInTurns } from "../../base/in-turns.js";
import { cleanConfig, cleanUrls, type ConfigChange } from "../git/config.js";
import { borrowedObjects } from "../git/lenders.js";
import type { Repository } from "../git/repository.js";
import { expandPath, isWithin, realPathOf, type Roots } from "../git/roots.js";
import { maxConfigBytes } from "../git/settings.js";
import { fateOf, isGitFolder, relativeTo, repositoryOf } from "./git-fate.js";
import { readBelow, type HostFolder, type HostFolders } from "./host-folder.js";
import { under, type Item, type Note, type Skipped } from "./listing.js";
import { displayName, type ByteString } from "../tar/entry.js";
import { statTree, type FoundPath } from "./tree-stat.js";

/** How a repository's folder of the host maps into the seed. */
export interface GitPlacement {
  /** The folder on the host: `.git`, or that of a linked worktree. */
  readonly source: HostFolder;
  /** Where it goes, such as `.git`. */
  readonly path: ByteString;
  /** The seed's root on the host, for values that point from a submodule's repository to its files. */
  readonly seedRoot: HostFolder;
  /** Takes what is opened besides. */
  readonly folders: HostFolders;
  /** Where repositories that it borrows objects from may lie. */
  readonly roots: Roots;
  /** Told what does not come along. */
  readonly leaveOut: (skipped: Skipped) => void;
}

/** Everything that a repository needs to stand alone: shared folder and borrowed objects included. */
export async function listGitFolder(
  { gitDir, common }: Repository,
  where: Omit<GitPlacement, "source">,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const { path } = where;
  const placement = { ...where, source: gitDir, roots: [...where.roots, gitDir.path, common.path] };
  const made: Item = { kind: "made", path, identity: "d 755", changed: 0, content: undefined };
  const own = await listGitFiles(placement, await statTree(gitDir, signal), signal);
  if (common === gitDir) return [made, ...own];
  const all = await listGitFiles({ ...placement, source: common }, await statTree(common, signal), signal);
  const inFolder = (item: Item) => item.path.slice(path.length + 1);
  const fromCommon = all.filter((item) => isShared(inFolder(item)));
  return [made, ...fromCommon, ...own.filter((item) => !isShared(inFolder(item)))];
}

/** The files of one host folder that is a repository, or a plain one with repositories somewhere below. */
export async function listGitFiles(
  placement: GitPlacement,
  found: readonly FoundPath[],
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const items = await placeGitFiles(placement, found);
  const borrowers = found.filter(({ path }) => /(^|\/)objects\/info\/alternates$/u.test(path));
  if (borrowers.length === 0) return items;
  const folders = borrowers.map(({ path }) => path.slice(0, -"/info/alternates".length));
  const borrowed = await Promise.all(
    folders.map(async (objects) => {
      const folder = await placement.folders.below(placement.source, objects);
      const borrower = { ...placement, path: under(placement.path, objects) };
      return folder === undefined ? undefined : borrowedObjects({ ...borrower, folder }, signal);
    }),
  );
  for (const each of borrowed) each?.leftOut.forEach(placement.leaveOut);
  // A graph of commits may continue in files of the lender, which are not taken.
  const graphs = new Set(folders.map((objects) => under(placement.path, `${objects}/info/commit-graph`)));
  return [
    ...items.filter(({ path }) => !graphs.has(path.replace(/(commit-graph)s?(\/.*)?$/u, "$1"))),
    ...borrowed.flatMap((each) => each?.items ?? []),
  ];
}

async function placeGitFiles(placement: GitPlacement, found: readonly FoundPath[]): Promise<readonly Item[]> {
  const repositories = repositoriesAmong(found);
  // That of a linked worktree has no objects of its own.
  if (isGitFolder(placement.path)) repositories.add("");
  const items: Item[] = [];
  await eachInTurns(found, (entry) => {
    const item = placeGitFile(placement, entry, repositories);
    if (item !== undefined) items.push(item);
  });
  return items;
}

function placeGitFile(
  placement: GitPlacement,
  entry: FoundPath,
  repositories: ReadonlySet<ByteString>,
): Item | undefined {
  const { source, path } = placement;
  const repository = repositoryOf(entry.path, repositories);
  const inside = repository === undefined ? undefined : relativeTo(repository, entry.path);
  const target = under(path, entry.path);
  const fate = inside === undefined ? "copy" : fateOf(inside, entry.type);
  if (fate === "leave-out") return undefined;
  const original = { kind: "copied", root: source, found: entry, path: target } as const;
  if (fate === "copy" || repository === undefined) return original;
  const { identity, changed } = entry;
  const content = async (signal: AbortSignal, note: Note) => {
    if (fate !== "config") return cleanUrlsBelow(source, entry.path);
    const own = await readBelow(source, entry.path, { maxBytes: maxConfigBytes });
    if (own === undefined) return undefined;
    const clean = await cleanConfig(own, configChange(placement, repository), signal);
    for (const reason of clean.notes) note({ path: displayName(target), reason });
    return clean.content;
  };
  return { kind: "made", path: target, identity, changed, source: original, content };
}

/** The listed folder itself, and those below it, that are repositories: bare ones, `.git` folders, and those in `modules`. */
function repositoriesAmong(found: readonly FoundPath[]): Set<ByteString> {
  const folders = found
    .filter(({ path }) => path === "HEAD" || path.endsWith("/HEAD"))
    .map(({ path }) => path.slice(0, -"/HEAD".length));
  const parts = (folder: ByteString) => ["objects", "refs"].map((name) => under(folder, name));
  const wanted = new Set(folders.flatMap(parts));
  const present = new Set(found.map(({ path }) => path).filter((path) => wanted.has(path)));
  return new Set(folders.filter((folder) => parts(folder).every((part) => present.has(part))));
}

/** What git looks up in the shared folder, by gitrepository-layout(5); the rest belongs to each worktree. */
function isShared(path: ByteString): boolean {
  if (/^(info\/sparse-checkout|logs\/HEAD|(logs\/)?refs\/(bisect|rewritten|worktree)(\/.*)?)$/u.test(path))
    return false;
  return /^(branches|common|config|description|hooks|info|lfs|logs|lost-found|objects|packed-refs|refs|reftable|remotes|rr-cache|shallow|svn)(\/|$)/u.test(
    path,
  );
}

/** Bytes of a file whose URLs are cleaned, such as a log of a branch. */
const maxCleanedBytes = 64 * 1024 * 1024;

async function cleanUrlsBelow(source: HostFolder, path: ByteString): Promise<Buffer | undefined> {
  const content = await readBelow(source, path, { maxBytes: maxCleanedBytes });
  return content === undefined ? undefined : Buffer.from(cleanUrls(content.toString("latin1")), "latin1");
}

function configChange(placement: GitPlacement, repository: ByteString): ConfigChange {
  const { source, path, seedRoot } = placement;
  const place = under(path, repository);
  const folder = join(source.path, textOf(repository));
  return {
    checkout: isGitFolder(place),
    workTree(value) {
      // A repository in a folder called .git finds its files by itself.
      if (isGitFolder(place)) return null;
      const files = relative(seedRoot.path, resolve(folder, textOf(value)));
      if (files.startsWith("..") || isAbsolute(files)) return null;
      return bytesOf(relative(textOf(place), files));
    },
    async hooksPath(value, workTree) {
      const text = textOf(value);
      // How one says: none.
      if (text === "/dev/null") return value;
      const inCheckout = join(seedRoot.path, dirname(textOf(place)));
      const files = isGitFolder(place) ? inCheckout : resolve(folder, textOf(workTree ?? ""));
      const named = expandPath(text, files);
      if (named === undefined) return null;
      const [to, from] = [placeOf(placement, (await realPathOf(named)) ?? named), placeOf(placement, files)];
      if (to === undefined || from === undefined) return null;
      return isAbsolute(text) || text.startsWith("~") ? bytesOf(relative(from, to) || ".") : value;
    },
  };
}

/** Where what lies at a path of the host goes in the seed; undefined for what does not come along. */
function placeOf({ source, path, seedRoot }: GitPlacement, host: string): string | undefined {
  if (isWithin(host, [seedRoot.path])) return relative(seedRoot.path, host);
  return isWithin(host, [source.path]) ? join(textOf(path), relative(source.path, host)) : undefined;
}

function textOf(path: ByteString): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

function bytesOf(path: string): ByteString {
  return Buffer.from(path).toString("latin1");
}
