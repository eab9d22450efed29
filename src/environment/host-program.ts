// Owns finding a host program and saying which Debian package brings it. Never runs one.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { PyroError } from "../base/error.js";

/** Where Debian keeps programs; the system folders are often not on a user's PATH. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const packageOf = {
  "mkfs.ext4": "e2fsprogs",
  mmdebstrap: "mmdebstrap",
  newuidmap: "uidmap",
  setpriv: "util-linux",
  sqfstar: "squashfs-tools",
  unshare: "util-linux",
} as const;

export type HostProgram = keyof typeof packageOf;

/** The absolute path of `program`; a missing one is `unavailable` with its Debian package. */
export async function findProgram(program: HostProgram): Promise<string> {
  const path = await lookUp(program);
  if (path !== undefined) return path;
  throw new PyroError("unavailable", `The program ${program} is not installed.`, {
    hint: `Install it: sudo apt-get install ${packageOf[program]}`,
  });
}

/** What to say when some of these are missing, all at once; undefined when none is. */
export async function missingPrograms(programs: readonly HostProgram[]): Promise<string | undefined> {
  const found = await Promise.all(programs.map(lookUp));
  const missing = programs.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((program) => packageOf[program]))];
  return `${missing.join(", ")} not installed; run: sudo apt-get install ${packages.join(" ")}`;
}

async function lookUp(program: HostProgram): Promise<string | undefined> {
  const folders = `${process.env["PATH"] ?? ""}${delimiter}${systemPath}`.split(delimiter);
  for (const folder of folders.filter((name) => name.startsWith("/"))) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
