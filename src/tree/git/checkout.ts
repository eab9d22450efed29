// Owns the checkout of one ref of a mirrored repository: whole, clean, with history and without a way back to the mirror.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { git } from "./command.js";
import { displayName } from "../tar/entry.js";

export interface WantedTree {
  /** Where it goes. */
  readonly path: string;
  readonly mirror: string;
  /** What its `origin` says. */
  readonly url: string;
  readonly commit: string;
  readonly branch: string | undefined;
}

/** Whether what an earlier call left there is exactly this. */
export async function isCleanTree({ path, commit, branch }: WantedTree, signal: AbortSignal): Promise<boolean> {
  const gitDir = join(path, ".git");
  const call = { gitDir, signal, answers: [1, 128] };
  const head = await git({ ...call, args: ["rev-parse", "--verify", "HEAD"] });
  if (head?.trim() !== commit) return false;
  const name = await git({ ...call, args: ["symbolic-ref", "--quiet", "--short", "HEAD"] });
  if (name?.trim() !== branch) return false;
  const status = await git({
    ...call,
    workTree: path,
    args: ["status", "--porcelain", "--ignored", "--untracked-files=all"],
  });
  return status === "";
}

/** Files of which the repository has only a pointer: what replaces it is a filter's work, and none runs for content. */
export async function pointersIn(path: string, signal: AbortSignal): Promise<readonly string[]> {
  const args = ["ls-files", "-z", "--", ":(attr:filter=lfs)"];
  const listed = await git({ args, gitDir: join(path, ".git"), workTree: path, signal });
  return listed
    .split("\0")
    .filter((name) => name !== "")
    .map(displayName);
}

/** Replaces what is at `path`; an interrupted call leaves the old one or none. */
export async function cloneTree({ path, mirror, url, commit, branch }: WantedTree, signal: AbortSignal): Promise<void> {
  const draft = `${path}.draft`;
  await rm(draft, { recursive: true, force: true });
  // Files of the object store are shared by hard links: git never changes one.
  const source = ["--quiet", "--local", "--no-checkout", "--template=", "--", mirror, draft];
  await git({ args: ["clone", ...source], transport: "file", signal });
  const inside = { gitDir: join(draft, ".git"), workTree: draft, signal };
  await git({ ...inside, args: ["config", "remote.origin.url", url] });
  // `origin/HEAD` would be the mirror's, which follows nothing.
  await git({ ...inside, args: ["symbolic-ref", "--delete", "refs/remotes/origin/HEAD"], answers: [1, 128] });
  const how = branch === undefined ? ["--detach", commit] : ["-B", branch, commit];
  await git({ ...inside, args: ["checkout", "--quiet", "--force", "--no-recurse-submodules", ...how] });
  if (branch !== undefined) {
    await git({
      ...inside,
      args: ["branch", "--quiet", `--set-upstream-to=origin/${branch}`, branch],
      answers: [1, 128],
    });
  }
  await rm(path, { recursive: true, force: true });
  await rename(draft, path);
}
