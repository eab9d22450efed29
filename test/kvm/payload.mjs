// Owns the read-only drive that an emulated host gets: pyro's packed package, Node, an installed environment, the steps' service
// and the guest kernel's modules of KVM. Never looks into a host.

import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fetchNode } from "../../scripts/dist-check/node.mjs";
import { capture } from "../../scripts/dist-check/programs.mjs";
import { packAndCheck } from "../../scripts/dist-check/tarball.mjs";
import { root } from "../../scripts/step.mjs";
import { buildFolder } from "./host-image.mjs";

const NODE_VERSION = "24.21.0";
const ENVIRONMENT = "debian:12";
/** In the order in which they are loaded. */
const KVM_MODULES = ["virt/lib/irqbypass.ko", "arch/x86/kvm/kvm.ko", "arch/x86/kvm/kvm-amd.ko"];

const inside = join(dirname(fileURLToPath(import.meta.url)), "inside");

/**
 * Makes the drive in `folder`.
 * @param {string} folder
 * @param {(finding: string) => void} say
 * @returns {Promise<string>} the path of its image
 */
export async function makePayload(folder, say) {
  const content = join(folder, "payload");
  const bin = join(content, "bin");
  mkdirSync(bin, { recursive: true });
  const tarball = await packAndCheck(folder, say);
  await capture(["tar", "--extract", "--no-same-owner", `--file=${tarball}`, `--directory=${content}`], {});
  const pyro = join(content, "package", "dist", "pyro.js");
  chmodSync(pyro, 0o755);
  symlinkSync("../package/dist/pyro.js", join(bin, "pyro"));
  cpSync(await fetchNode(NODE_VERSION), join(bin, "node"));
  cpSync(await environments(pyro, folder), join(content, "environments"), {
    recursive: true,
    preserveTimestamps: true,
  });
  // Another user installed it for all.
  await capture(["chmod", "-R", "a+rX", join(content, "environments")], {});
  cpSync(inside, join(content, "inside"), { recursive: true });
  await copyKvmModules(folder, join(content, "kvm-modules"));
  const image = join(folder, "payload.squashfs");
  await capture(
    ["mksquashfs", content, image, "-noappend", "-quiet", "-no-progress", "-all-root", "-noD", "-noF", "-noI"],
    {},
  );
  rmSync(content, { recursive: true });
  return image;
}

/** The cache folder in which the environment is installed, as any user of this machine would install it. */
async function environments(pyro, folder) {
  const cache = process.env.PYRO_TEST_ENVIRONMENT_CACHE ?? join(buildFolder, "environments");
  const home = mkdtempSync(join(folder, "h"));
  const env = { ...process.env, PYRO_HOME: home, PYRO_ENVIRONMENT_CACHE_DIR: cache };
  try {
    await capture([process.execPath, pyro, "env", "pull", ENVIRONMENT], { env });
  } finally {
    await capture([process.execPath, pyro, "daemon", "stop"], { env });
    rmSync(home, { recursive: true, force: true });
  }
  return cache;
}

/** From the very package that the guest's kernel is made of. */
async function copyKvmModules(folder, target) {
  const packages = join(root, "build", "kernel", "packages");
  const [deb] = existsSync(packages) ? readdirSync(packages).filter((name) => name.endsWith(".deb")) : [];
  if (deb === undefined) throw new Error("build/kernel/packages has no kernel package: make kernel");
  const unpacked = mkdtempSync(join(folder, "kernel-"));
  await capture(["dpkg-deb", "-x", join(packages, deb), unpacked], {});
  const modules = join(unpacked, "lib", "modules");
  const kernel = join(modules, readdirSync(modules)[0] ?? "", "kernel");
  mkdirSync(target);
  for (const [index, path] of KVM_MODULES.entries()) {
    cpSync(join(kernel, path), join(target, `${index}-${path.split("/").at(-1)}`));
  }
  rmSync(unpacked, { recursive: true });
}
