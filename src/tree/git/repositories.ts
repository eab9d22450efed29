// Owns clean clones of repositories that the user named, for workspaces to start from. Never stores a credential, never asks for one.
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { PyroError } from "../../base/error.js";
import { lockFile, tryLockFile } from "../../base/lock.js";
import type { Task } from "../../base/progress.js";
import { either, field, say } from "../../base/say.js";
import { checkLocalSource } from "./local.js";
import { cloneTree, isCleanTree, pointersIn } from "./checkout.js";
import { findDefaultBranch, openMirror, resolveRef } from "./mirror.js";
import { checkRef, parseRepositoryUrl } from "./url.js";
import { pointerNotices } from "../seed/lfs-pointers.js";
import type { Skipped } from "../seed/listing.js";

export interface RepositoryChoice {
  readonly url: string;
  /** A branch, a tag, a commit or a name that starts with `refs/`; the default branch when absent. */
  readonly ref?: string | undefined;
  /** Socket of the SSH agent that may be asked; none when absent. */
  readonly sshAgent?: string | undefined;
  /** Folders that a repository of this host may lead to; none when absent. */
  readonly allowHostPaths?: readonly string[] | undefined;
}

/** A checkout that nobody else changes until it is disposed of. */
export interface RepositoryCheckout extends AsyncDisposable {
  readonly path: string;
  /** The URL without user and password. */
  readonly url: string;
  readonly commit: string;
  /** Files whose content the repository does not have. */
  readonly skipped: readonly Skipped[];
}

export interface Repositories {
  /** Fetches and checks out; `not_found` for an unknown ref, `unavailable` when the repository cannot be reached. */
  checkout(choice: RepositoryChoice, task: Task): Promise<RepositoryCheckout>;
  /** Removes what nobody has asked for since `before`. */
  prune(before: Date, signal: AbortSignal): Promise<readonly string[]>;
}

export interface RepositoriesOptions {
  /** `<cache>/repos`; made when missing. */
  readonly root: string;
  /** Milliseconds for one clone or fetch. */
  readonly timeoutMs: number;
}

export function openRepositories({ root, timeoutMs }: RepositoriesOptions): Repositories {
  return {
    async checkout({ url, ref, sshAgent, allowHostPaths = [] }, task) {
      const repository = parseRepositoryUrl(url);
      if (ref !== undefined) checkRef(ref);
      await mkdir(root, { recursive: true, mode: 0o700 });
      const key = shortHash(repository.clean);
      const lock = await lockFile(join(root, `${key}.lock`), task.signal);
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        const signal = AbortSignal.any([task.signal, deadline]);
        const folder = join(root, key);
        const source = { url: repository.full, allowHostPaths };
        if (repository.protocol === "file") await checkLocalSource(source, signal);
        const found = await prepareTree({ folder, repository, ref, sshAgent }, { ...task, signal });
        return { ...found, url: repository.clean, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
      } catch (error) {
        await lock[Symbol.asyncDispose]();
        if (!deadline.aborted || task.signal.aborted) throw error;
        throw new PyroError("deadline_exceeded", `Cloning ${repository.clean} took longer than ${timeoutMs} ms.`, {
          hint: say`Call again: what was fetched is kept. Or clone it yourself and start from the clone${either(say` by ${field("workspace_create", "project_path")}`)}.`,
          cause: error,
        });
      }
    },
    prune: async (before, signal) => pruneRepositories(root, before, signal),
  };
}

interface Wanted {
  readonly folder: string;
  readonly repository: ReturnType<typeof parseRepositoryUrl>;
  readonly ref: string | undefined;
  readonly sshAgent: string | undefined;
}

async function prepareTree(
  { folder, repository, ref, sshAgent }: Wanted,
  task: Task,
): Promise<Pick<RepositoryCheckout, "path" | "commit" | "skipped">> {
  await mkdir(join(folder, "trees"), { recursive: true, mode: 0o700 });
  const now = new Date();
  await utimes(folder, now, now);
  const mirror = await openMirror(join(folder, "mirror.git"), { url: repository, sshAgent }, task.signal);
  // A full commit id never changes its meaning.
  const fixed = ref !== undefined && /^[0-9a-f]{40}([0-9a-f]{24})?$/u.test(ref);
  const present = fixed ? await resolveRef(mirror, ref, task.signal) : undefined;
  if (present === undefined) await mirror.fetch(task);
  const name = ref ?? (await findDefaultBranch(mirror, task.signal));
  const target = present ?? (await resolveRef(mirror, name, task.signal)) ?? (await mirror.fetchMore(name, task));
  if (target === undefined) {
    throw new PyroError("not_found", `${repository.clean} has no branch, tag or commit ${name}.`, {
      hint: `\`git ls-remote ${repository.clean}\` lists what it has.`,
    });
  }
  const path = join(folder, "trees", shortHash(name));
  const tree = { path, mirror: mirror.path, url: repository.clean, ...target };
  if (!(await isCleanTree(tree, task.signal))) {
    task.progress({ phase: "seed", message: `Checking out ${name}` });
    await cloneTree(tree, task.signal);
  }
  const pointers = await pointersIn(path, task.signal);
  const why = "no filter of the host runs for a clone; clone it yourself and start from the clone";
  return { path, commit: target.commit, skipped: pointerNotices(pointers, why) };
}

async function pruneRepositories(root: string, before: Date, signal: AbortSignal): Promise<readonly string[]> {
  const removed: string[] = [];
  const names = await readdir(root).catch(() => []);
  for (const key of names.filter((name) => /^[0-9a-f]{16}$/u.test(name))) {
    await using lock = await tryLockFile(join(root, `${key}.lock`), signal);
    if (lock === undefined) continue;
    const used = await stat(join(root, key)).catch(() => undefined);
    if (used === undefined || used.mtimeMs >= before.getTime()) continue;
    await rm(join(root, key), { recursive: true, force: true });
    removed.push(key);
  }
  return removed;
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
