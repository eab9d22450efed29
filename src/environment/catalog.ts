// Owns which environments pyro offers by name and what is in them. Never knows where their files come from.
import { PyroError } from "../base/error.js";

/** The Debian releases that there are environments of. */
export type Release = "bookworm" | "trixie";

export interface CatalogEntry {
  /** Stable identifier. */
  readonly name: string;
  readonly release: Release;
  readonly description: string;
  /** Debian packages beside the minimal system. */
  readonly packages: readonly string[];
  /** Size of all files, unpacked, as measured when it was added; for progress and the check for room. */
  readonly unpackedBytes: number;
}

const mebibyte = 1024 * 1024;
const tools = ["ca-certificates", "curl", "git", "python3"];

export const catalog: readonly CatalogEntry[] = [
  {
    name: "debian:12-base",
    release: "bookworm",
    description: "Debian 12, minimal: bash, coreutils, apt",
    packages: [],
    unpackedBytes: 80 * mebibyte,
  },
  {
    name: "debian:12",
    release: "bookworm",
    description: "Debian 12 with git, ca-certificates, curl and python3",
    packages: tools,
    unpackedBytes: 210 * mebibyte,
  },
  {
    name: "debian:12-build",
    release: "bookworm",
    description: "Debian 12 with git, curl, python3 and a C toolchain: gcc, g++, make, patch",
    packages: [...tools, "file", "g++", "gcc", "libc6-dev", "make", "patch", "pkg-config", "xz-utils"],
    unpackedBytes: 450 * mebibyte,
  },
  {
    name: "debian:13",
    release: "trixie",
    description: "Debian 13 with git, ca-certificates, curl and python3",
    packages: tools,
    unpackedBytes: 210 * mebibyte,
  },
];

/** The entry of that name; an unknown one is `not_found` with the known ones. */
export function catalogEntry(name: string): CatalogEntry {
  const entry = catalog.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const known = catalog.map((candidate) => candidate.name).join(", ");
  throw new PyroError("not_found", `There is no environment named ${JSON.stringify(name)}.`, {
    hint: `Use one of: ${known}.`,
  });
}
