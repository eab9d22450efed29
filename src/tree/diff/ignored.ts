// Owns which new files a diff leaves out: those that git, by the .gitignore files of the workspace as it is now, would not add. Never hides what the seed has.
import { type BytePath, foldersAbove, joinPath, parentPath, pathBytes, rootPath, trustedPath } from "../byte-path.js";
import type { Comparison } from "./change.js";
import { collect, isGone, newChunks } from "./content.js";
import { type Effort, type IgnoreRule, isIgnoredBy, maxIgnoreFileBytes, parseIgnoreFile } from "../git/ignore-rules.js";
import { type Item, type TouchedTrees, seedItem } from "./touched-trees.js";

/** Steps of matching: about half a second, whatever a guest writes into its .gitignore files. */
const maxSteps = 20_000_000;
const repositoryRules = trustedPath(".git/info/exclude");

type Sides = Pick<TouchedTrees, "old" | "now">;

/** The highest ignored folder that a path lies in, or the path itself; undefined where git would add it. */
export type FindIgnored = (path: BytePath, item: Item) => Promise<BytePath | undefined>;

export function ignoredBy(comparison: Comparison, trees: Sides): FindIgnored {
  const effort: Effort = { left: maxSteps };
  const rules = new Map<BytePath, Promise<readonly IgnoreRule[]>>();
  const folders = new Map<BytePath, Promise<BytePath | undefined>>();

  const rulesOf = (folder: BytePath) =>
    remembered(rules, folder, async () => {
      const own = await readRules(comparison, trees, joinPath(folder, ".gitignore"));
      return folder === rootPath ? [...(await readRules(comparison, trees, repositoryRules)), ...own] : own;
    });
  const isNamed = async (path: BytePath, isFolder: boolean): Promise<boolean> => {
    for (const folder of [...foldersAbove(path), rootPath]) {
      const below = folder === rootPath ? path : path.slice(folder.length + 1);
      const verdict = isIgnoredBy(await rulesOf(folder), { path: below, isFolder }, effort);
      if (verdict !== undefined) return verdict;
    }
    return false;
  };
  const ignoredFolder = (folder: BytePath): Promise<BytePath | undefined> =>
    remembered(folders, folder, async () => {
      const [above] = foldersAbove(folder);
      const highest = above === undefined ? undefined : await ignoredFolder(above);
      return highest ?? ((await isNamed(folder, true)) ? folder : undefined);
    });
  return async (path, item) => {
    const [above] = foldersAbove(path);
    const highest = above === undefined ? undefined : await ignoredFolder(above);
    return highest ?? ((await isNamed(path, item.kind === "directory")) ? path : undefined);
  };
}

function remembered<Value>(
  known: Map<BytePath, Promise<Value>>,
  path: BytePath,
  find: () => Promise<Value>,
): Promise<Value> {
  const found = known.get(path) ?? find();
  known.set(path, found);
  return found;
}

/** As git: a link is no file of rules. */
async function readRules(comparison: Comparison, trees: Sides, path: BytePath): Promise<readonly IgnoreRule[]> {
  const item = await itemAt(comparison, trees, path);
  if (item?.kind !== "file" || item.size > maxIgnoreFileBytes) return [];
  try {
    const content = await collect(newChunks(comparison.source, { path, item }, comparison.signal));
    return parseIgnoreFile(content.toString("latin1"));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** What stands at a path that was perhaps not touched; `.git` counts as the seed has it. */
async function itemAt({ seed }: Comparison, { old, now }: Sides, path: BytePath): Promise<Item | undefined> {
  const touched = now.get(path);
  // Below a folder that is listed, everything is.
  if (touched !== undefined || old.has(path) || now.has(parentPath(path) ?? rootPath)) return touched;
  const entry = await seed.lookup(pathBytes(path));
  return entry === undefined ? undefined : seedItem(entry, false);
}
