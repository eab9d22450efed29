// Proves that `make` installs on a fresh Debian whatever the build and pyro itself call.

import { expect, test } from "vitest";
import { COMPRESSIONS } from "../../../runtime/vmlinux.mjs";
import { PACKAGES } from "../../../scripts/debian-packages.mjs";
import { packageFor, type HostProgram } from "../../../src/base/host-program.js";
import { parseOsRelease } from "../../../src/base/distribution.js";

const listed = PACKAGES.map(({ name }) => name);
/** Every Debian has these, so that nobody can lack them. */
const essential = ["findutils", "tar", "gzip"];
const needs: Record<HostProgram, true> = {
  ...{ "mkfs.ext4": true, "qemu-system-x86_64": true, bwrap: true, flock: true, git: true },
  ...{ mmdebstrap: true, newuidmap: true, setpriv: true, sqfstar: true, unshare: true },
  ...{ unsquashfs: true, zstd: true },
};

test("the packages of all programs that pyro calls are among those that make installs", () => {
  const debian = parseOsRelease("ID=debian");
  const packages = (Object.keys(needs) as HostProgram[]).map((program) => packageFor(program, debian));
  expect(packages.filter((name) => ![...listed, ...essential].includes(name))).toEqual([]);
});

test("whatever a guest kernel is compressed with can be unpacked", () => {
  const programs = PACKAGES.flatMap(({ program }) => program ?? []);
  const lacking = COMPRESSIONS.filter(({ name }) => ![...programs, ...essential].includes(name));
  expect(lacking.map(({ name }) => name)).toEqual([]);
});
