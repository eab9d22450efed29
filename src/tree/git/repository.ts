// Owns which repository a checkout has, and whether what its `.git` points to may be used. Never reads its settings for use.
import { lstat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { descriptorPath, type HostPathJudge } from "../../base/host-roots.js";
import { admittedBy, isWithin, realPathOf, type Roots } from "./roots.js";
import { keyOfSetting, maxConfigBytes, readSettings } from "./settings.js";
import type { ByteString } from "../tar/entry.js";
import { findBelow, readBelow, type HostFolder, type HostFolders } from "../seed/host-folder.js";

export interface Repository {
  /** `.git`, or the folder that its file names. */
  readonly gitDir: HostFolder;
  /** What a linked worktree shares with its main one; the same folder for a repository of its own. */
  readonly common: HostFolder;
}

/** A checkout as git is to see it. */
export interface ListedCheckout {
  readonly root: HostFolder;
  /** The folder in it that is asked for; all of it when absent. */
  readonly part?: { readonly folder: HostFolder; readonly prefix: ByteString };
  /** Undefined where there is none that may be used: its files are then known by the ignore rules among them alone. */
  readonly repository: Repository | undefined;
  readonly roots: Roots;
  /** Where scratch folders are made. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

export type FoundRepository =
  | { readonly kind: "none" }
  | { readonly kind: "found"; readonly repository: Repository }
  /** There is one, but content alone leads to it. */
  | { readonly kind: "left-out"; readonly reason: string };

export interface RepositorySearch {
  /** Keeps what is opened. */
  readonly folders: HostFolders;
  /** Where content may lead. */
  readonly roots: Roots;
  readonly signal: AbortSignal;
}

/** Bytes of a file that holds one path. */
const maxPathBytes = 16 * 1024;

/** Opens what content names, so that it can be judged as what it is. */
const anywhere: HostPathJudge = { roots: undefined, field: ".git" };

const none = { kind: "none" } as const;

/** The repository of the checkout in `root`. */
export async function repositoryAt(root: HostFolder, search: RepositorySearch): Promise<FoundRepository> {
  const target = await pointedTo(root);
  if (target === undefined) return none;
  const gitDir = await search.folders.open(resolve(root.path, target.path), anywhere);
  const repository = gitDir === undefined ? undefined : await asRepository(gitDir, search);
  // A checkout all the same, such as a linked worktree whose repository was moved.
  if (repository === undefined && target.isFile) {
    return { kind: "left-out", reason: `leads to ${target.path}, where no repository is: git inside lacks it` };
  }
  if (repository === undefined) return none;
  const outside = outsideOf(repository, search.roots);
  if (outside === undefined || (await namesBack(root, repository, search.signal))) return { kind: "found", repository };
  return {
    kind: "left-out",
    reason: `leads to ${outside}, which does not name this checkout back; ${admittedBy(outside)}`,
  };
}

/** The folder itself as a repository, as one without files around it is. */
export async function bareRepositoryAt(folder: HostFolder, search: RepositorySearch): Promise<FoundRepository> {
  const repository = await asRepository(folder, search);
  if (repository === undefined) return none;
  const outside = outsideOf(repository, search.roots);
  if (outside === undefined) return { kind: "found", repository };
  return { kind: "left-out", reason: `leads to ${outside}; ${admittedBy(outside)}` };
}

function outsideOf({ gitDir, common }: Repository, roots: Roots): string | undefined {
  return [gitDir.path, common.path].find((path) => !isWithin(path, roots));
}

interface Pointer {
  /** Absolute, or relative to the checkout. */
  readonly path: string;
  /** A file names it. */
  readonly isFile: boolean;
}

async function pointedTo(root: HostFolder): Promise<Pointer | undefined> {
  await using found = await findBelow(root, ".git");
  if (found === undefined) return undefined;
  if (found.kind !== "file") return { path: ".git", isFile: false };
  const path = /^gitdir: ([^]*)$/u.exec((await readPath(root, ".git")) ?? "")?.[1];
  return path === undefined ? undefined : { path, isFile: true };
}

async function asRepository(gitDir: HostFolder, { folders }: RepositorySearch): Promise<Repository | undefined> {
  const text = await readPath(gitDir, "commondir");
  const common = text === undefined ? gitDir : await folders.open(resolve(gitDir.path, text), anywhere);
  if (common === undefined) return undefined;
  const parts = [lookAt(gitDir, "HEAD"), lookAt(common, "objects"), lookAt(common, "refs")] as const;
  const [head, ...shared] = await Promise.all(parts);
  // git would wait at a pipe.
  const isHead = head?.isFile() === true || head?.isSymbolicLink() === true;
  const isWhole = isHead && shared.every((each) => each?.isDirectory() === true || each?.isSymbolicLink() === true);
  return isWhole ? { gitDir, common } : undefined;
}

async function lookAt(folder: HostFolder, name: string) {
  return lstat(`${descriptorPath(folder)}/${name}`).catch(() => undefined);
}

/** The path that a file holds; undefined where there is none, or no regular file. */
async function readPath(folder: HostFolder, name: string): Promise<string | undefined> {
  const content = await readBelow(folder, name, { maxBytes: maxPathBytes });
  const text = content?.toString("utf8").replace(/[\r\n]+$/u, "");
  return text?.includes("\0") === true ? undefined : text;
}

/** Whether the repository, which content outside it cannot change, says that `root` is a checkout of it. */
async function namesBack(root: HostFolder, { gitDir, common }: Repository, signal: AbortSignal): Promise<boolean> {
  if (gitDir.path === common.path) return (await workTreeOf(gitDir, signal)) === root.path;
  if (dirname(gitDir.path) !== join(common.path, "worktrees")) return false;
  const text = await readPath(gitDir, "gitdir");
  if (text === undefined) return false;
  const named = resolve(gitDir.path, text);
  return basename(named) === ".git" && (await realPathOf(dirname(named))) === root.path;
}

/** That of a submodule, or of a repository that was made apart from its files. */
async function workTreeOf(gitDir: HostFolder, signal: AbortSignal): Promise<string | undefined> {
  const content = await readBelow(gitDir, "config", { maxBytes: maxConfigBytes });
  if (content === undefined) return undefined;
  const settings = await readSettings(content, signal);
  const value = settings.findLast((setting) => keyOfSetting(setting) === "core.worktree")?.value;
  if (value === undefined) return undefined;
  return realPathOf(resolve(gitDir.path, Buffer.from(value, "latin1").toString("utf8")));
}
