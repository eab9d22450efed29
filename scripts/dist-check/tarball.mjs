// Packs the package as npm publishes it and checks what is in it: nothing missing, nothing else, small enough, licences named.

import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../step.mjs";
import { npm } from "./programs.mjs";
import { expectEqual } from "./steps.mjs";

const MAX_BYTES = 60_000_000;

/** All that may be in it, and what must be: a plain name. */
const MEANT = [
  ...["CHANGELOG.md", "CHARTER.md", "LICENSE", "README.md", "SECURITY.md", "package.json"],
  ...["dist/LICENSES.txt", "dist/index.d.ts", "dist/index.js", "dist/pyro-guest", "dist/pyro.js"],
  ...["dist/any.cjs", "dist/command.cjs", "dist/mcp.cjs"],
  ...["dist/runtime/initramfs.img", "dist/runtime/manifest.json", "dist/runtime/vmlinux"],
  /^dist\/chunks\/[a-z-]+-[A-Z0-9]{8}\.js$/,
  /^docs\/([a-z-]+\/)*([a-z0-9-]+|README)\.(md|svg)$/,
  /^examples\/([a-z-]+\/)*[A-Za-z.-]+\.(md|ts|json|toml|sh|patch)$/,
];

/** Resolves with the path of the tarball. */
export async function packAndCheck(folder, say) {
  const { stdout } = await npm(["pack", "--json", "--pack-destination", folder], { cwd: root });
  // npm 11 gives an object by package name, older ones a list.
  const [packed] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/mu))));
  const paths = packed.files.map(({ path }) => path);
  const isMeant = (path) => MEANT.some((each) => (typeof each === "string" ? each === path : each.test(path)));
  expectEqual(
    "files that are not meant to be packed (an old dist/? make clean)",
    paths.filter((path) => !isMeant(path)),
    [],
  );
  expectEqual(
    "files that are missing",
    MEANT.filter((each) => typeof each === "string" && !paths.includes(each)),
    [],
  );
  if (packed.size > MAX_BYTES) throw new Error(`the tarball has ${packed.size} bytes, more than ${MAX_BYTES}`);
  checkLicences();
  const tarball = join(folder, packed.filename);
  say(
    `${paths.length} files, ${(packed.size / 1e6).toFixed(1)} MB, unpacked ${(packed.unpackedSize / 1e6).toFixed(1)} MB`,
  );
  copyFileSync(tarball, join(root, "build", packed.filename));
  return tarball;
}

function checkLicences() {
  const text = readFileSync(join(root, "dist", "LICENSES.txt"), "utf8");
  const { kernel_package, kernel_version, source_package } = JSON.parse(
    readFileSync(join(root, "dist", "runtime", "manifest.json"), "utf8"),
  );
  for (const wanted of [
    `binary package: ${kernel_package} ${kernel_version}`,
    `source package: ${source_package}`,
    `apt-get source linux=${kernel_version}`,
    "GNU GENERAL PUBLIC LICENSE",
    "Go runtime and library",
    "zod",
  ]) {
    if (!text.includes(wanted)) throw new Error(`dist/LICENSES.txt does not have "${wanted}"`);
  }
}
