// Makes the root of a Debian release with what pyro needs of it, once, from the mirrors that pyro itself would take. Installs nothing on this machine.

import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { releaseSourcesText } from "../release-sources.mjs";
import { root as checkout } from "../step.mjs";
import { ISOLATED, matrixFolder } from "./enter.mjs";

/** Those that docs/install.md has a user install, what builds the guest's kernel, and what the tests call beside. */
const PACKAGES = [
  ...["qemu-system-x86", "squashfs-tools", "e2fsprogs", "util-linux", "mount", "mmdebstrap", "uidmap", "bubblewrap"],
  ...[
    "debian-archive-keyring",
    "ca-certificates",
    "git",
    "procps",
    "zstd",
    "patch",
    "perl",
    "python3",
    "lz4",
    "xz-utils",
  ],
];

/**
 * The folder of the release's root; makes it where it is missing.
 * @param {"bookworm" | "trixie"} release
 * @returns {Promise<string>}
 */
export async function debianRoot(release) {
  const folder = matrixFolder(checkout, "roots", release);
  const wanted = PACKAGES.join(" ");
  const stamp = `${folder}.packages`;
  if (existsSync(folder) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return folder;
  process.stderr.write(`… root of ${release}, with QEMU and all that pyro calls\n`);
  const draft = `${folder}.draft`;
  mkdirSync(matrixFolder(checkout, "roots"), { recursive: true });
  rmSync(draft, { recursive: true, force: true, maxRetries: 2 });
  const sources = await releaseSourcesText(release);
  const log = matrixFolder(checkout, "roots", `${release}.log`);
  const bootstrap = [
    "mmdebstrap",
    "--mode=root",
    "--variant=apt",
    `--include=${PACKAGES.join(",")}`,
    release,
    draft,
    "-",
  ];
  const child = spawn(ISOLATED[0], [...ISOLATED.slice(1), ...bootstrap], { stdio: ["pipe", "pipe", "pipe"] });
  const output = createWriteStream(log);
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  child.stdin.end(sources);
  const code = await new Promise((resolve) => child.on("close", (status, signal) => resolve(status ?? signal)));
  await new Promise((resolve) => output.end(resolve));
  if (code !== 0) throw new Error(`mmdebstrap ${release} ended with ${code}; see ${log}`);
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
  writeFileSync(stamp, wanted);
  return folder;
}
