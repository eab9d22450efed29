// Fetches Debian's cloud kernels and builds pyro's runtime with each, once, beside the checkout's own dist/. Never touches that.

import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root as checkout } from "../step.mjs";
import { emptyTmp, enterOrThrow, matrixFolder } from "./enter.mjs";

/** Where each guest kernel comes from: the root whose apt knows it, and the suite to ask where it is not the release's own. */
export const KERNELS = {
  12: { release: "bookworm", suite: "" },
  "12-backports": { release: "bookworm", suite: "bookworm-backports" },
  13: { release: "trixie", suite: "" },
};

/** In a Debian root; $1 is the suite, the package comes to /out. The meta package names the newest kernel. */
const FETCH = `set -eu
from=\${1:+/$1}
if [ -n "$1" ]; then
  sed -n "1,/^$/s/^Suites: .*/Suites: $1/p; 1,/^$/{/^Suites/!p}" /etc/apt/sources.list.d/0000main.sources \
    > /etc/apt/sources.list.d/$1.sources
fi
apt-get -q update
cd /tmp
apt-get -q download linux-image-cloud-amd64$from
name=$(dpkg-deb -f linux-image-cloud-amd64_*.deb Depends | sed "s/ .*//")
rm -f *.deb
apt-get -q download "$name$from"
mv linux-image-*.deb /out/
`;

/**
 * A copy of dist/ with that guest kernel inside.
 * @param {string} name one of KERNELS
 * @param {{root: string, node: string}} how the root to fetch and build in
 * @returns {Promise<{dist: string, version: string}>}
 */
export async function distWithKernel(name, { root, node }) {
  const { suite } = KERNELS[name];
  const packages = matrixFolder(checkout, "kernels", name);
  mkdirSync(packages, { recursive: true });
  const log = matrixFolder(checkout, "kernels", `${name}.log`);
  const options = { log, timeoutMs: 10 * 60_000 };
  if (debIn(packages) === undefined) {
    const tmp = matrixFolder(checkout, "kernels", `${name}.tmp`);
    emptyTmp(tmp);
    const show = [
      [packages, "/out"],
      [tmp, "/tmp"],
    ];
    await enterOrThrow(root, ["sh", "-c", FETCH, "sh", suite], { ...options, show, name: `fetching kernel ${name}` });
    rmSync(tmp, { recursive: true, force: true });
  }
  const dist = matrixFolder(checkout, "dist", name);
  rmSync(dist, { recursive: true, force: true });
  cpSync(join(checkout, "dist"), dist, { recursive: true });
  const show = [
    [checkout, "/checkout"],
    [dist, "/checkout/dist"],
    [matrixFolder(checkout, "kernels", `${name}.parts`), "/checkout/build/kernel"],
    [packages, "/packages"],
    [join(node, ".."), "/node"],
  ];
  const env = { PYRO_KERNEL_DEB: `/packages/${debIn(packages)}` };
  await enterOrThrow(root, ["/node/node", "/checkout/runtime/build.mjs"], {
    name: `building kernel ${name}`,
    ...options,
    show,
    env,
  });
  const { kernel_version: version } = JSON.parse(readFileSync(join(dist, "runtime", "manifest.json"), "utf8"));
  return { dist, version };
}

function debIn(folder) {
  return existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith(".deb")) : undefined;
}
