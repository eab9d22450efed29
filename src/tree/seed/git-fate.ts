// Owns what becomes of each file of a repository's folder on its way into a seed. Never reads one.
import type { ByteString } from "../tar/entry.js";

export type Fate = "copy" | "leave-out" | "config" | "urls";

export function isGitFolder(path: ByteString): boolean {
  return path === ".git" || path.endsWith("/.git");
}

/** The innermost repository that holds `path`. */
export function repositoryOf(path: ByteString, repositories: ReadonlySet<ByteString>): ByteString | undefined {
  if (repositories.size === 0) return undefined;
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const folder = path.slice(0, end);
    if (repositories.has(folder)) return folder;
  }
  return repositories.has("") ? "" : undefined;
}

export function relativeTo(folder: ByteString, path: ByteString): ByteString {
  return folder === "" ? path : path.slice(folder.length + 1);
}

/** `path` is relative to its repository; `type` as the walker says it: f, d, l. */
export function fateOf(path: ByteString, type: string): Fate {
  if (type !== "f" && type !== "d" && type !== "l") return "leave-out";
  if (/\.lock$|^fsmonitor--daemon|^gc\.pid$|^worktrees(\/|$)|^(commondir|gitdir|locked)$/u.test(path))
    return "leave-out";
  if (
    /^objects\/(.*\/)?tmp_|^objects\/incoming-|^objects\/info\/alternates$|(^|\/)\.?(git-)?credentials$/u.test(path)
  ) {
    return "leave-out";
  }
  if (type === "d") return "copy";
  // A link stays one: what it leads to is not for content to choose.
  if (path === "config" || path === "config.worktree") return type === "f" ? "config" : "copy";
  // Copies that an editor or the user made of the configuration hold the same credentials.
  if (/^config[^/]*$/u.test(path)) return "leave-out";
  return type === "f" && /^(FETCH_HEAD$|logs\/|remotes\/|branches\/)/u.test(path) ? "urls" : "copy";
}
