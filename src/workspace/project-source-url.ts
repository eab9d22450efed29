// Owns which repository URLs and refs are taken, and what of a URL may be shown and kept. Never connects.
import { PyroError } from "../base/error.js";

export interface RepositoryUrl {
  /** As given: for git alone, and only in its environment. */
  readonly full: string;
  /** Without user and password; an SSH user stays. */
  readonly clean: string;
  /** The only transport that git may use for it. */
  readonly protocol: "https" | "http" | "git" | "ssh" | "file";
  readonly hasCredentials: boolean;
}

/** Takes https, http, git, ssh and file URLs, `user@host:path` and absolute paths; nothing that names a program. */
export function parseRepositoryUrl(url: string): RepositoryUrl {
  if (/[\0-\x20\x7f]/u.test(url)) throw refused(url, "has a space or a control character in it");
  // Transport helpers, such as ext::sh, run programs.
  if (/^[a-z0-9+.-]*::/iu.test(url)) throw refused(url, "names a transport helper");
  if (url.startsWith("/"))
    return { full: `file://${url}`, clean: `file://${url}`, protocol: "file", hasCredentials: false };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // A host or a user that starts with a dash would be an option to ssh.
    if (!/^([\w.][\w.-]*@)?[\w.][\w.-]*:[^-:].*$/u.test(url)) throw refused(url, "is no URL");
    return { full: url, clean: url, protocol: "ssh", hasCredentials: false };
  }
  const protocol = (["https", "http", "git", "ssh", "file"] as const).find((known) => known === scheme);
  if (protocol === undefined) throw refused(url, `has the scheme ${scheme}`);
  if (!URL.canParse(url)) throw refused(url, "is no URL");
  const parsed = new URL(url);
  if (protocol !== "file" && (parsed.hostname === "" || parsed.hostname.startsWith("-")))
    throw refused(url, "has no host");
  const hasCredentials = parsed.password !== "" || (protocol !== "ssh" && parsed.username !== "");
  parsed.password = "";
  if (protocol !== "ssh") parsed.username = "";
  if (/^(?:-|%2d)/iu.test(parsed.username)) throw refused(url, "has a user that starts with a dash");
  const clean = hasCredentials ? parsed.href : url;
  return { full: url, clean, protocol, hasCredentials };
}

/** As git-check-ref-format(1), for branches, tags, commits and full names. */
export function checkRef(ref: string): void {
  const isName = /^[^-.~^:?*[\\\s\0-\x1f\x7f][^~^:?*[\\\s\0-\x1f\x7f]*$/u.test(ref);
  if (isName && !/\.\.|@\{|\/\/|\/\.|\/$|\.$|\.lock(\/|$)/u.test(ref) && ref.length <= 255) return;
  throw new PyroError("invalid_argument", `${JSON.stringify(ref)} is no name of a branch, tag or commit.`, {
    hint: "Give a branch, a tag, or a commit id.",
  });
}

function refused(url: string, why: string): PyroError {
  const shown = url.replace(/\/\/[^/@]*@/u, "//");
  return new PyroError("invalid_argument", `The repository URL ${JSON.stringify(shown)} ${why}.`, {
    hint: "Use https://host/path, ssh://user@host/path, user@host:path or an absolute path.",
  });
}
