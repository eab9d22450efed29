// Owns which repository URLs and refs are taken, and what of a URL may be shown and kept. Never connects.
import { PyroError } from "../../base/error.js";

export interface RepositoryUrl {
  /** For git alone, and only in its environment: its user is what a credential helper is asked for. */
  readonly full: string;
  /** Without a user; an SSH user stays. */
  readonly clean: string;
  /** The only transport that git may use for it. */
  readonly protocol: "https" | "http" | "git" | "ssh" | "file";
}

/** User names that are secrets by themselves: tokens of GitHub and GitLab. */
const tokenPattern = /^(?:gh[a-z]_|github_pat_|gl[a-z]+-|[0-9a-f]{40}$)/u;

/**
 * Takes https, http, git, ssh and file URLs, `user@host:path` and absolute paths; nothing that names a program or holds
 * a password or token: a URL is stored, shown and stands in command lines.
 */
export function parseRepositoryUrl(url: string): RepositoryUrl {
  if (/[\0-\x20\x7f]/u.test(url)) throw refused(url, "has a space or a control character in it");
  // Transport helpers, such as ext::sh, run programs.
  if (/^[a-z0-9+.-]*::/iu.test(url)) throw refused(url, "names a transport helper");
  if (url.startsWith("/")) {
    // git decodes the path of a URL.
    const full = `file://${url.replaceAll("%", "%25")}`;
    return { full, clean: full, protocol: "file" };
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (/^[^/@]*:[^/]*@/u.test(url)) throw secret(url);
    // A host or a user that starts with a dash would be an option to ssh.
    if (!/^([\w.][\w.-]*@)?[\w.][\w.-]*:[^-:].*$/u.test(url)) throw refused(url, "is no URL");
    return { full: url, clean: url, protocol: "ssh" };
  }
  const protocol = (["https", "http", "git", "ssh", "file"] as const).find((known) => known === scheme);
  if (protocol === undefined) throw refused(url, `has the scheme ${scheme}`);
  if (!URL.canParse(url)) throw refused(url, "is no URL");
  const parsed = new URL(url);
  checkDecoded(url, parsed);
  if (protocol === "file" && parsed.hostname !== "") throw refused(url, "has a host where a path should begin");
  if (protocol !== "file" && parsed.hostname === "") throw refused(url, "has no host");
  if (parsed.password !== "" || tokenPattern.test(parsed.username)) throw secret(url);
  if (protocol === "ssh") return { full: url, clean: url, protocol };
  if (parsed.username === "") return { full: url, clean: url, protocol };
  parsed.username = "";
  return { full: url, clean: parsed.href, protocol };
}

/** git decodes a URL once and gives host and user to other programs, where a dash makes an option of them. */
function checkDecoded(url: string, { hostname, username }: URL): void {
  for (const [part, text] of [
    ["host", hostname],
    ["user", username],
  ] as const) {
    if (/^(?:-|%2d)/iu.test(text)) throw refused(url, `has a ${part} that starts with a dash`);
  }
  if (hostname.includes("%")) throw refused(url, "has an encoded character in its host");
  if (/%(?:[01][0-9a-f]|7f)/iu.test(url)) throw refused(url, "has an encoded control character in it");
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
  return new PyroError("invalid_argument", `The repository URL ${shown(url)} ${why}.`, {
    hint: "Use https://host/path, ssh://user@host/path, user@host:path or an absolute path.",
  });
}

function secret(url: string): PyroError {
  const why = "has a password or token in it, which would be stored and shown with it";
  return new PyroError("invalid_argument", `repo_url: The repository URL ${shown(url)} ${why}.`, {
    hint: "Leave it out and let Git find it: by a credential helper (for GitHub: `gh auth setup-git`), or by an SSH key and ssh://git@host/path.",
  });
}

/** Whatever may be a credential is hidden, also in what is no URL. */
function shown(url: string): string {
  return JSON.stringify(url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/isu, "$1***@"));
}
