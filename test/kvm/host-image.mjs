// Owns the image of an emulated host: built from Debian's packages once, kept in build/ while its recipe stays. Never starts it.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rootPrefix } from "../../scripts/debian-packages.mjs";
import { root, runStep } from "../../scripts/step.mjs";
import { sourcesFor } from "./hosts.mjs";

export const buildFolder = join(root, "build", "smoke-kvm");
const setupScript = join(dirname(fileURLToPath(import.meta.url)), "inside", "setup.sh");

/** The initrd holds only what the root file system is reached with. */
const INITRD_MODULES = ["virtio_pci", "virtio_blk", "ext4"];

/**
 * @param {import("./hosts.mjs").Host} host
 * @returns {Promise<{image: string, kernel: string, initrd: string}>}
 */
export async function hostImage(host) {
  const folder = join(buildFolder, `host-${host.name}`);
  const recipe = createHash("sha256")
    .update(JSON.stringify([host.suite, host.packages, INITRD_MODULES]))
    .update(readFileSync(setupScript))
    .digest("hex");
  const recipePath = join(folder, "recipe");
  if (!existsSync(recipePath) || readFileSync(recipePath, "utf8") !== recipe) await build(host, folder, recipe);
  return {
    image: join(folder, "root.ext4"),
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd.img"),
  };
}

async function build(host, folder, recipe) {
  const prefix = rootPrefix();
  if (prefix === undefined) throw new Error("making a host's root file system needs root: sudo make smoke-kvm");
  const incoming = `${folder}.incoming`;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  const sources = join(incoming, "debian.sources");
  writeFileSync(sources, sourcesFor(host.suite));
  const command = [...prefix, "mmdebstrap", ...mmdebstrapArguments(host, incoming), host.suite, "/dev/null", sources];
  const name = `host ${host.name}: Debian's packages and an image (5 minutes the first time)`;
  const code = await runStep({ name, log: `smoke-kvm-host-${host.name}`, command });
  if (code !== 0) throw new Error(`the image of host ${host.name} could not be built`);
  rmSync(sources);
  writeFileSync(join(incoming, "recipe"), recipe);
  rmSync(folder, { recursive: true, force: true });
  renameSync(incoming, folder);
}

function mmdebstrapArguments(host, folder) {
  const lists = INITRD_MODULES.join("\\n");
  const initrd = [
    'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"',
    'echo MODULES=list >"$1/etc/initramfs-tools/conf.d/smoke"',
    `printf '${lists}\\n' >"$1/usr/share/initramfs-tools/modules.d/smoke"`,
  ];
  return [
    ...["--mode=root", "--variant=apt", "--format=null", `--include=${host.packages.join(",")}`],
    `--essential-hook=${initrd.join(" && ")}`,
    `--customize-hook=sh '${setupScript}' "$1" '${folder}'`,
  ];
}
