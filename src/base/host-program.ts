// Owns finding a host program and saying which Debian package brings it. Never runs one.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { PyroError } from "./error.js";

/** Where Debian keeps programs; the system folders are often not on a user's PATH. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const packageOf = {
  "mkfs.ext4": "e2fsprogs",
  "qemu-system-x86_64": "qemu-system-x86",
  bwrap: "bubblewrap",
  flock: "util-linux",
  git: "git",
  mmdebstrap: "mmdebstrap",
  newuidmap: "uidmap",
  setpriv: "util-linux",
  sqfstar: "squashfs-tools",
  unshare: "util-linux",
  unsquashfs: "squashfs-tools",
  zstd: "zstd",
} as const;

export type HostProgram = keyof typeof packageOf;

/** The absolute path of `program`; a missing one is `unavailable` with its Debian package. */
export async function findProgram(program: HostProgram): Promise<string> {
  const path = await lookUpProgram(program);
  if (path !== undefined) return path;
  throw new PyroError("unavailable", `The program ${program} is not installed.`, {
    hint: `Install it: ${installLine([program])}`,
  });
}

/** What to say when some of these are missing, all at once; undefined when none is. */
export async function missingPrograms(programs: readonly HostProgram[]): Promise<string | undefined> {
  const found = await Promise.all(programs.map(lookUpProgram));
  const missing = programs.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(", ")} not installed; run: ${installLine(missing)}`;
}

/**
 * The absolute path of `program` in the system folders; undefined when it is not there. The caller's PATH does not
 * count: the daemon does not have it, and what works must not depend on who asked first.
 */
export async function lookUpProgram(program: HostProgram): Promise<string | undefined> {
  for (const folder of systemPath.split(delimiter)) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/** The Debian package that brings `program`. */
export function packageFor(program: HostProgram): string {
  return packageOf[program];
}

/** The command that installs all of these. */
export function installLine(programs: readonly HostProgram[]): string {
  return `sudo apt-get install ${[...new Set(programs.map(packageFor))].join(" ")}`;
}
