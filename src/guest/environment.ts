// Owns what pyro puts into a guest's root, and the environment its programs get. Never overrides what an image says of PATH.
import type { InstalledEnvironment } from "../environment/environment.js";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const fixed = {
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  SHELL: "/bin/bash",
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
  DEBIAN_FRONTEND: "noninteractive",
  GIT_PAGER: "cat",
  PAGER: "cat",
} as const;

/**
 * For caches in /root, another file system than /workspace: no hard link leads from one to the other. Without these uv warns
 * of that each time, and pnpm puts its store into /workspace. An image may say otherwise.
 */
const copying = {
  UV_LINK_MODE: "copy",
  pnpm_config_store_dir: "/root/.local/share/pnpm/store",
  pnpm_config_package_import_method: "copy",
} as const;

/** The same for pnpm before 11, which reads no such variables. */
const pnpmSettings = `store-dir=${copying.pnpm_config_store_dir}
package-import-method=${copying.pnpm_config_package_import_method}
`;

/** Environment of every program, as NAME=value: the image's own over what it may choose, under what the contract fixes. */
export function guestEnvironment(environment: InstalledEnvironment): string[] {
  const values = new Map<string, string>([["PATH", defaultPath], ...Object.entries(copying)]);
  for (const entry of environment.env) {
    const at = entry.indexOf("=");
    if (at > 0) values.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [name, value] of Object.entries(fixed)) values.set(name, value);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/**
 * Any owner of a repository will do, and what a copied file's inode says is no reason to read it again: seeds come
 * from a read-only image with whole seconds. An author, so that a first commit works: what anybody sets counts more.
 */
const gitConfig = `[user]
\tname = pyro
\temail = pyro@localhost
[safe]
\tdirectory = *
[core]
\tcheckStat = minimal
\ttrustctime = false
`;

export interface GuestFile {
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly mode: number;
  /** Only where there is none yet: it is the user's from then on. */
  readonly keep?: boolean;
}

/** Files written over the root before anything starts. */
export function guestFiles(environment: InstalledEnvironment): GuestFile[] {
  const path =
    guestEnvironment(environment)
      .find((entry) => entry.startsWith("PATH="))
      ?.slice("PATH=".length) ?? defaultPath;
  // A login shell resets PATH; this comes after that and puts the image's back.
  const profile = `export PATH='${path.replaceAll("'", String.raw`'\''`)}'\n`;
  return [
    textFile("/etc/profile.d/00-pyro-path.sh", profile),
    textFile("/etc/gitconfig", gitConfig),
    { ...textFile("/root/.config/pnpm/rc", pnpmSettings), keep: true },
  ];
}

function textFile(path: string, text: string): GuestFile {
  return { path, content: Uint8Array.from(Buffer.from(text)), mode: 0o644 };
}

/** `bash -lc` where there is a bash, else `sh -lc`. */
export function loginShell(command: string): string[] {
  const choose = 'if [ -x /bin/bash ]; then exec /bin/bash -lc "$1"; else exec /bin/sh -lc "$1"; fi';
  return ["/bin/sh", "-c", choose, "sh", command];
}
