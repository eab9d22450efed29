// Finds, fetches and unpacks Debian's cloud kernel package. Owns build/kernel, where the package is kept; installs nothing.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const META_PACKAGE = "linux-image-cloud-amd64";
const REFRESH_HINT = "refresh the package lists first:\n  sudo apt-get update";

/**
 * The path of the kernel's .deb: the one fetched before, else the one that apt offers now.
 * @param {{folder: string, refresh: boolean, given?: string}} options `refresh` asks apt again, `given` is used as it is
 * @returns {string}
 */
export function kernelPackage({ folder, refresh, given }) {
  if (given) return resolve(given);
  const packages = join(folder, "packages");
  const kept = existsSync(packages) ? readdirSync(packages).filter((name) => name.endsWith(".deb")) : [];
  if (!refresh && kept[0] !== undefined) return join(packages, kept[0]);
  const name = latestKernel();
  const incoming = join(folder, "incoming");
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  process.stderr.write(`fetching ${name}\n`);
  download(name, incoming);
  rmSync(packages, { recursive: true, force: true });
  renameSync(incoming, packages);
  const file = readdirSync(packages).find((entry) => entry.endsWith(".deb"));
  if (file === undefined) throw new Error(`apt-get download ${name} left no package`);
  return join(packages, file);
}

/** Kernels leave the mirror when they are replaced: old package lists then name one that is gone. */
function download(name, folder) {
  try {
    run("apt-get", ["download", name], { cwd: folder });
  } catch (error) {
    if (process.getuid() !== 0) throw new Error(`${error.message}\n${REFRESH_HINT}`, { cause: error });
    process.stderr.write("refreshing the package lists\n");
    run("apt-get", ["update"]);
    run("apt-get", ["download", latestKernel()], { cwd: folder });
  }
}

/**
 * What the package says of itself.
 * @param {string} path of a .deb
 * @returns {{name: string, version: string, source: string, release: string}}
 */
export function packageFacts(path) {
  const fields = new Map();
  for (const line of run("dpkg-deb", ["-f", path, "Package", "Version", "Source"]).split("\n")) {
    const at = line.indexOf(": ");
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
  }
  const name = fields.get("Package") ?? "";
  const version = fields.get("Version") ?? "";
  if (!name.startsWith("linux-image-")) throw new Error(`${path} is no Debian kernel package`);
  return { name, version, source: fields.get("Source") ?? name, release: name.slice("linux-image-".length) };
}

/** Unpacks the package into a new folder; nothing of it is run. */
export function unpackPackage(path, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run("dpkg-deb", ["-x", path, folder]);
}

function latestKernel() {
  const listing = run("apt-cache", ["depends", "--important", META_PACKAGE], { hint: REFRESH_HINT });
  const found = /Depends: (linux-image-\S+)/.exec(listing)?.[1];
  if (found === undefined) throw new Error(`apt does not know the package ${META_PACKAGE}; ${REFRESH_HINT}`);
  return found;
}

function run(program, args, { cwd, hint } = {}) {
  const result = spawnSync(program, args, { cwd, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (result.error?.code === "ENOENT")
    throw new Error(`the program ${program} is missing: pyro builds its kernel from Debian's`);
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    const said = result.stderr.trim();
    throw new Error(`${program} ${args.join(" ")} failed (${result.status}): ${said}${hint ? `\n${hint}` : ""}`);
  }
  return result.stdout;
}
