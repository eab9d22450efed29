// Makes a fresh machine ready to build and test this checkout: versions, Debian packages, npm packages, a user-id range.
// Says what it changes and why; does nothing, quickly, when nothing is missing.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { installPackages, rootPrefix } from "./debian-packages.mjs";
import { root, runStep } from "./step.mjs";

const NODE_NEEDED = [20, 19];
const FIRST_SUBORDINATE_ID = 100_000;
const SUBORDINATE_IDS = 65_536;
const KERNEL_PACKAGES = join(root, "build", "kernel", "packages");

try {
  checkNode();
  await installPackages({ needsKernelPackage: !hasKernelPackage() });
  checkGo();
  await ensureUserIdRange();
  await installNodeModules();
} catch (error) {
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor >= NODE_NEEDED[1])) return;
  throw new Error(
    `pyro needs Node ${NODE_NEEDED.join(".")} or newer, this is ${process.versions.node}. ` +
      "Debian 13 has it as the package nodejs; elsewhere take the archive of the Node project and put its bin first in PATH.",
  );
}

function checkGo() {
  const found = spawnSync(join(root, "scripts", "go"), ["version"], { encoding: "utf8" });
  if (found.status !== 0) throw new Error(found.stderr || "scripts/go does not run");
}

/** mmdebstrap gives the files of an image to more than one user: that takes a range of user ids. */
async function ensureUserIdRange() {
  if (process.getuid() === 0) return;
  const { username, uid } = userInfo();
  const ranges = ["/etc/subuid", "/etc/subgid"].map((path) => (existsSync(path) ? readFileSync(path, "utf8") : ""));
  const rows = ranges.map((text) => text.split("\n").map((line) => line.split(":")));
  if (rows.every((file) => file.some(([name]) => name === username || name === String(uid)))) return;
  const ends = rows.flat().map(([, start, count]) => Number(start) + Number(count));
  const first = Math.max(FIRST_SUBORDINATE_ID, ...ends.filter((end) => Number.isSafeInteger(end)));
  const range = `${first}-${first + SUBORDINATE_IDS - 1}`;
  const command = ["usermod", "--add-subuids", range, "--add-subgids", range, username];
  const why = `${username} has no range of user ids, without which Debian environments cannot be installed as this user`;
  const prefix = rootPrefix();
  if (prefix === undefined) throw new Error(`${why}. Run, then make again:\n\n  sudo ${command.join(" ")}\n`);
  process.stderr.write(`${why}\n`);
  const code = await runStep({ name: command.join(" "), log: "usermod", command: [...prefix, ...command] });
  if (code !== 0) throw new Error("usermod failed");
}

async function installNodeModules() {
  if (nodeModulesMatchLock()) return;
  // npm's own checks of the lock file stay on; nothing that is installed needs to run a script for that.
  const command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  if ((await runStep({ name: "npm packages", command })) !== 0) {
    throw new Error(
      "npm ci failed (see above). Where npm itself is missing: it comes with Node, on Debian as the package npm",
    );
  }
}

/** Whether what npm noted as installed is what the lock file asks for. */
function nodeModulesMatchLock() {
  const wanted = readPackages(join(root, "package-lock.json"));
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional === true || installed[path]?.version === entry.version,
  );
}

function readPackages(path) {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")).packages ?? {}) : {};
}

function hasKernelPackage() {
  if (process.env.PYRO_KERNEL_DEB) return true;
  return existsSync(KERNEL_PACKAGES) && readdirSync(KERNEL_PACKAGES).some((name) => name.endsWith(".deb"));
}
