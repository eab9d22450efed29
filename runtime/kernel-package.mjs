// Finds, fetches and unpacks Debian's cloud kernel package. Owns build/kernel, where the package is kept; installs nothing.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { releaseSourcesText } from "../scripts/release-sources.mjs";

const META_PACKAGE = "linux-image-cloud-amd64";
const REFRESH_HINT = "refresh the package lists first:\n  sudo apt-get update";

/** Whose kernel a host gets that has none of Debian's own: the one that most hosts run. */
const FALLBACK_RELEASE = "bookworm";

/**
 * The path of the kernel's .deb: the one fetched before, else the one that apt offers now.
 * @param {{folder: string, refresh: boolean, given?: string}} options `refresh` asks apt again, `given` is used as it is
 * @returns {Promise<string>}
 */
export async function kernelPackage({ folder, refresh, given }) {
  if (given) return resolve(given);
  const packages = join(folder, "packages");
  const kept = existsSync(packages) ? readdirSync(packages).filter((name) => name.endsWith(".deb")) : [];
  if (!refresh && kept[0] !== undefined) return join(packages, kept[0]);
  // Ubuntu's apt has no kernel of Debian's.
  const apt = aptKnowsKernel([]) ? [] : await separateApt(join(folder, "apt"));
  const name = latestKernel(apt);
  const incoming = join(folder, "incoming");
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  process.stderr.write(`fetching ${name}\n`);
  download(name, incoming, apt);
  rmSync(packages, { recursive: true, force: true });
  renameSync(incoming, packages);
  const file = readdirSync(packages).find((entry) => entry.endsWith(".deb"));
  if (file === undefined) throw new Error(`apt-get download ${name} left no package`);
  return join(packages, file);
}

/** Kernels leave the mirror when they are replaced: old package lists then name one that is gone. */
function download(name, folder, apt) {
  try {
    run("apt-get", [...apt, "download", name], { cwd: folder });
  } catch (error) {
    const isOurs = apt.length > 0;
    if (process.getuid() !== 0 && !isOurs) throw new Error(`${error.message}\n${REFRESH_HINT}`, { cause: error });
    process.stderr.write("refreshing the package lists\n");
    run("apt-get", [...apt, "update"]);
    run("apt-get", [...apt, "download", latestKernel(apt)], { cwd: folder });
  }
}

function aptKnowsKernel(apt) {
  const options = { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } };
  return (
    spawnSync("apt-cache", [...apt, "show", META_PACKAGE], options).stdout?.includes(`Package: ${META_PACKAGE}`) ===
    true
  );
}

/** Options that make apt look at a Debian mirror alone, with lists of its own in `folder`; nothing of the host's changes. */
async function separateApt(folder) {
  const sources = join(folder, "debian.sources");
  for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(sources, await releaseSourcesText(FALLBACK_RELEASE));
  writeFileSync(join(folder, "status"), "");
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State=${folder}`,
    `Dir::State::status=${join(folder, "status")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    // The folder may be closed to the user that apt fetches as otherwise.
    "APT::Sandbox::User=root",
  ];
  const apt = settings.flatMap((setting) => ["-o", setting]);
  process.stderr.write("this system's apt has no kernel of Debian's: asking a Debian mirror\n");
  run("apt-get", [...apt, "update"]);
  return apt;
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

function latestKernel(apt) {
  const listing = run("apt-cache", [...apt, "depends", "--important", META_PACKAGE], { hint: REFRESH_HINT });
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
