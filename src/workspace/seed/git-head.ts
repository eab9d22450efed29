// Owns what a repository's HEAD is. Never changes it.
import { git } from "./git-command.js";

export interface GitHead {
  /** 40 or 64 hex digits; null before the first commit. */
  readonly commit: string | null;
  /** Null where HEAD is detached. */
  readonly branch: string | null;
}

export const noHead: GitHead = { commit: null, branch: null };

export async function headOf(gitDir: string, signal: AbortSignal): Promise<GitHead> {
  const [commit, branch] = await Promise.all([
    git({ args: ["rev-parse", "--verify", "--quiet", "HEAD"], gitDir, signal, answers: [1, 128] }),
    git({ args: ["symbolic-ref", "--quiet", "--short", "HEAD"], gitDir, signal, answers: [1, 128] }),
  ]);
  const text = (value: string | undefined) =>
    value === undefined ? null : Buffer.from(value, "latin1").toString().trim();
  return { commit: text(commit), branch: text(branch) };
}
