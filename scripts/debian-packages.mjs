// Knows which Debian packages pyro needs and why, finds those that are missing, and installs them as root or with sudo.

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runStep } from "./step.mjs";

const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const PACKAGE_LISTS = "/var/lib/apt/lists";

/** `program` is looked for in PATH, `file` as it stands. */
export const PACKAGES = [
  { name: "qemu-system-x86", program: "qemu-system-x86_64", why: "runs the virtual machines" },
  { name: "squashfs-tools", program: "sqfstar", why: "makes the read-only images that enter a machine" },
  { name: "mmdebstrap", program: "mmdebstrap", why: "installs the Debian environments" },
  { name: "uidmap", program: "newuidmap", why: "lets mmdebstrap work without root" },
  { name: "e2fsprogs", program: "mkfs.ext4", why: "formats the machines' disks" },
  { name: "util-linux", program: "flock", why: "lets only one daemon start" },
  { name: "bubblewrap", program: "bwrap", why: "is the sandbox for hosts where no virtual machine runs" },
  { name: "ca-certificates", file: "/etc/ssl/certs/ca-certificates.crt", why: "lets the build fetch over TLS" },
  {
    name: "debian-archive-keyring",
    file: "/usr/share/keyrings/debian-archive-keyring.gpg",
    why: "verifies Debian's packages",
  },
  { name: "git", program: "git", why: "reads the checkouts that enter a machine" },
  { name: "lz4", program: "lz4", why: "unpacks the guest kernel" },
  { name: "xz-utils", program: "xz", why: "unpacks the kernel package" },
  { name: "zstd", program: "zstd", why: "unpacks newer guest kernels, and seeds that are compressed with it" },
  { name: "gcc", program: "gcc", why: "go test -race needs it" },
  { name: "libc6-dev", file: "/usr/include/stdlib.h", why: "go test -race needs it" },
];

/**
 * The packages that this machine lacks.
 * @returns {{name: string, why: string}[]}
 */
export function missingPackages() {
  const folders = [...(process.env.PATH ?? "").split(":").filter((path) => path !== ""), ...SYSTEM_FOLDERS];
  const has = ({ program, file }) =>
    file === undefined ? folders.some((folder) => isExecutable(join(folder, program))) : existsSync(file);
  return PACKAGES.filter((entry) => !has(entry));
}

/**
 * Makes sure that everything is installed.
 * @param {{needsKernelPackage: boolean}} needs the guest kernel comes from apt, too, while it is not in the cache
 * @returns {Promise<void>} rejects with the exact line to run where this user may not install
 */
export async function installPackages({ needsKernelPackage }) {
  const missing = missingPackages();
  const names = missing.map(({ name }) => name);
  const staleLists =
    ((needsKernelPackage && isDebian()) || names.length > 0) &&
    !aptKnows([...names, ...(needsKernelPackage && isDebian() ? ["linux-image-cloud-amd64"] : [])]);
  if (missing.length === 0 && !staleLists) return;
  for (const { name, why } of missing) process.stderr.write(`missing Debian package ${name}: ${why}\n`);
  if (staleLists) process.stderr.write("Debian's package lists are missing or too old\n");
  const commands = [
    ...(staleLists ? [["apt-get", "update"]] : []),
    ...(names.length > 0 ? [["apt-get", "install", "-y", "--no-install-recommends", ...names]] : []),
  ];
  const line = commands.map((command) => `sudo ${command.join(" ")}`).join(" && ");
  if (!existsSync("/usr/bin/apt-get")) {
    throw new Error(`this machine has no apt-get; install what provides: ${names.join(" ")}`);
  }
  const prefix = rootPrefix();
  if (prefix === undefined)
    throw new Error(`pyro may not install them as this user. Run, then make again:\n\n  ${line}\n`);
  if (staleLists) await apt(prefix, ["update"]);
  if (names.length > 0) await install(prefix, names);
}

/** Installs; once more with fresh lists where the mirror has newer versions than the lists say. */
async function install(prefix, names) {
  const args = ["install", "-y", "--no-install-recommends", ...names];
  const command = [...prefix, "apt-get", "-o", "DPkg::Lock::Timeout=300", ...args];
  const name = `Debian packages (${names.length})`;
  if ((await runStep({ name, command, quiet: true })) === 0) return;
  await apt(prefix, ["update"]);
  await apt(prefix, args);
}

async function apt(prefix, args) {
  const command = [...prefix, "apt-get", "-o", "DPkg::Lock::Timeout=300", ...args];
  const code = await runStep({ name: `apt-get ${args[0]}`, command });
  if (code !== 0) throw new Error(`apt-get ${args.join(" ")} failed`);
}

/**
 * What to put before a command that needs root; nothing where this user cannot become root.
 * @returns {string[] | undefined}
 */
export function rootPrefix() {
  if (process.getuid() === 0) return ["env", "DEBIAN_FRONTEND=noninteractive"];
  const asRoot = ["sudo", "env", "DEBIAN_FRONTEND=noninteractive"];
  if (spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0) return asRoot;
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
  // The password is asked for here, not under a spinner.
  return spawnSync("sudo", ["-v"], { stdio: "inherit" }).status === 0 ? asRoot : undefined;
}

function aptKnows(names) {
  const lists = existsSync(PACKAGE_LISTS) ? readdirSync(PACKAGE_LISTS) : [];
  if (!lists.some((name) => name.includes("_Packages"))) return false;
  return spawnSync("apt-cache", ["show", "--no-all-versions", ...names], { stdio: "ignore" }).status === 0;
}

/** Others, as Ubuntu, have no kernel of Debian's: updating their lists would not bring one. */
function isDebian() {
  return existsSync("/etc/os-release") && /^ID="?debian"?$/m.test(readFileSync("/etc/os-release", "utf8"));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
