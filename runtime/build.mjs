// Builds dist/runtime, the kernel and initramfs that every machine boots, from Debian's cloud kernel package and dist/pyro-guest.
// Does nothing, and needs no network, while neither has changed. --refresh asks apt for a newer kernel; PYRO_KERNEL_DEB names a package file.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpioArchive } from "./cpio.mjs";
import { kernelPackage, packageFacts, unpackPackage } from "./kernel-package.mjs";
import { guestModules } from "./modules.mjs";
import { vmlinuxFromBzImage } from "./vmlinux.mjs";

const FORMAT = 1;
const GUEST_FOLDERS = ["base", "dev", "disk", "proc", "run", "seed", "sys", "sysroot", "tmp"];

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const kernelFolder = join(root, "build", "kernel");
const agentPath = join(root, "dist", "pyro-guest");
const output = join(root, "dist", "runtime");

try {
  await main();
} catch (error) {
  process.stderr.write(`runtime: ${error.message}\n`);
  process.exitCode = 1;
}

async function main() {
  if (!existsSync(agentPath)) throw new Error("dist/pyro-guest is missing: run make build");
  const given = process.env.PYRO_KERNEL_DEB;
  const deb = await kernelPackage({ folder: kernelFolder, refresh: process.argv.includes("--refresh"), given });
  const kernel = kernelParts(deb);
  const agent = readFileSync(agentPath);
  const inputs = sha256([recipe(), kernel.package_sha256, sha256([agent])]);
  if (readJson(join(output, ".inputs.json"))?.inputs === inputs && existsSync(join(output, "vmlinux"))) {
    touch(join(output, "manifest.json"));
    return;
  }
  const initramfs = cpioArchive([
    ...GUEST_FOLDERS.map((path) => ({ path })),
    { path: "init", mode: 0o755, content: agent },
    { path: "lib/modules/order", content: Buffer.from(kernel.order.map((name) => `${name}\n`).join("")) },
    { path: "lib/modules/extra", content: Buffer.from(kernel.extra.map((name) => `${name}\n`).join("")) },
    ...[...kernel.order, ...kernel.extra].map((name) => ({
      path: `lib/modules/${name}`,
      content: readFileSync(join(kernelFolder, "parts", "modules", name)),
    })),
  ]);
  write({ kernel, agent, initramfs, inputs });
}

/** The files of dist/runtime; the manifest last, so that one that exists describes what is there. */
function write({ kernel, agent, initramfs, inputs }) {
  rmSync(join(output, "manifest.json"), { force: true });
  rmSync(join(output, ".inputs.json"), { force: true });
  mkdirSync(output, { recursive: true });
  replace("vmlinux", (path) => copyFileSync(join(kernelFolder, "parts", "vmlinux"), path));
  replace("initramfs.img", (path) => writeFileSync(path, initramfs));
  const manifest = {
    format: FORMAT,
    kernel_package: kernel.name,
    kernel_version: kernel.version,
    kernel_release: kernel.release,
    source_package: kernel.source,
    files: Object.fromEntries(["vmlinux", "initramfs.img"].map((name) => [name, digest(join(output, name))])),
    agent_sha256: sha256([agent]),
  };
  replace("manifest.json", (path) => writeFileSync(path, `${JSON.stringify(manifest, undefined, 2)}\n`));
  replace(".inputs.json", (path) => writeFileSync(path, JSON.stringify({ inputs })));
  process.stderr.write(`runtime: ${kernel.name} ${kernel.version}, initramfs ${initramfs.length} bytes\n`);
}

/** build/kernel/parts: the ELF kernel and the modules of one package, taken out once. */
function kernelParts(deb) {
  const parts = join(kernelFolder, "parts");
  const recipeDigest = recipe();
  const known = readJson(join(parts, "facts.json"));
  const { size, mtimeMs } = statSync(deb);
  const identity = JSON.stringify([deb, size, mtimeMs]);
  if (known?.identity === identity && known.recipe === recipeDigest) return known;
  const facts = packageFacts(deb);
  process.stderr.write(`unpacking ${facts.name} ${facts.version}\n`);
  const unpacked = join(kernelFolder, "unpacked");
  unpackPackage(deb, unpacked);
  rmSync(parts, { recursive: true, force: true });
  mkdirSync(join(parts, "modules"), { recursive: true });
  writeFileSync(
    join(parts, "vmlinux"),
    vmlinuxFromBzImage(readFileSync(join(unpacked, "boot", `vmlinuz-${facts.release}`))),
  );
  // Debian 13 moved /lib under /usr.
  const candidates = [join(unpacked, "lib", "modules"), join(unpacked, "usr", "lib", "modules")];
  const modulesFolder = candidates.find((path) => existsSync(path)) ?? candidates[0];
  const { order, extra, files } = guestModules(join(modulesFolder, facts.release));
  for (const [name, content] of files) writeFileSync(join(parts, "modules", name), content);
  rmSync(unpacked, { recursive: true, force: true });
  const kernel = {
    ...facts,
    identity,
    recipe: recipeDigest,
    package_sha256: sha256([readFileSync(deb)]),
    order,
    extra,
  };
  writeFileSync(join(parts, "facts.json"), JSON.stringify(kernel));
  return kernel;
}

/** The digest of the code that decides what goes into the bundle. */
function recipe() {
  const sources = readdirSync(here)
    .filter((name) => name.endsWith(".mjs"))
    .sort();
  return sha256(sources.map((name) => readFileSync(join(here, name))));
}

function replace(name, writeTo) {
  const temporary = join(output, `.${name}.tmp`);
  writeTo(temporary);
  renameSync(temporary, join(output, name));
}

function digest(path) {
  const content = readFileSync(path);
  return { sha256: sha256([content]), size: content.length };
}

function sha256(parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function touch(path) {
  const now = new Date();
  utimesSync(path, now, now);
}
