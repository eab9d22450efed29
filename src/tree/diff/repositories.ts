// Owns which changes would have git run a program where the patch is applied: settings and hooks of what it takes for a repository. Never a patch.
import { inTurns } from "../../base/in-turns.js";
import {
  type RepositoryPart,
  foldName,
  isRepository,
  partNames,
  repositoryPart,
  repositoryParts,
} from "../git/repository-names.js";
import { type BytePath, joinPath, pathBytes, rootPath } from "../byte-path.js";
import type { Change, Comparison } from "./change.js";
import type { SeedTree } from "./source.js";

/** What git runs, or finds what it runs by. */
const settings = ["config", "config.worktree", "commondir", "hooks"] as const;

interface Folder {
  /** That the patch brings. */
  readonly parts: Set<RepositoryPart>;
  readonly heads: BytePath[];
  readonly settings: BytePath[];
}

/** What git would take for a repository, by each change that the patch must not have; judged with what the seed has. */
export async function repositoryChanges(
  changes: readonly Change[],
  { seed, signal }: Pick<Comparison, "seed" | "signal">,
): Promise<ReadonlyMap<BytePath, BytePath>> {
  const folders = new Map<BytePath, Folder>();
  const gone = new Set<BytePath>();
  for await (const { path, now } of inTurns(changes, signal)) {
    if (now === undefined) gone.add(path);
    else takeApart(path, folders);
  }
  const folderOf = new Map<BytePath, BytePath>();
  for await (const [path, folder] of inTurns(folders, signal)) {
    for (const left of await leftOut({ path, folder, seed, gone })) folderOf.set(left, path);
  }
  return folderOf;
}

function takeApart(path: BytePath, folders: Map<BytePath, Folder>): void {
  let above = rootPath;
  for (const name of path.split("/")) {
    const here = joinPath(above, name);
    const folded = foldName(name);
    const part = repositoryPart(name);
    const isSetting = settings.some((each) => each === folded) && (here === path || folded === "hooks");
    if (part !== undefined || isSetting) {
      const folder = folders.get(above) ?? { parts: new Set(), heads: [], settings: [] };
      folders.set(above, folder);
      if (part !== undefined) folder.parts.add(part);
      if (part === "head") folder.heads.push(path);
      if (isSetting) folder.settings.push(path);
    }
    above = here;
  }
}

interface Question {
  readonly path: BytePath;
  readonly folder: Folder;
  readonly seed: SeedTree;
  readonly gone: ReadonlySet<BytePath>;
}

async function leftOut({ path, folder, seed, gone }: Question): Promise<readonly BytePath[]> {
  const inSeed = async (name: string): Promise<boolean> =>
    (await seed.lookup(pathBytes(joinPath(path, name)))) !== undefined;
  // Most folders with a `config` have none, which costs one look.
  if (!folder.parts.has("head") && (gone.has(joinPath(path, partNames.head)) || !(await inSeed(partNames.head))))
    return [];
  const before = new Set<RepositoryPart>();
  for (const part of repositoryParts) if (await inSeed(partNames[part])) before.add(part);
  if (!isRepository(new Set([...before, ...folder.parts]))) return [];
  if (isRepository(before)) return folder.settings;
  // An earlier patch may have brought the settings, when nothing was a repository yet.
  const hasSettings = (await Promise.all(settings.map(inSeed))).includes(true);
  return hasSettings ? [...folder.settings, ...folder.heads] : folder.settings;
}
