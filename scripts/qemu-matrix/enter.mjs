// Runs a command in the root of another Debian, with mounts and processes of its own that end with it. Leaves no mount behind, however it ends.

import { spawn } from "node:child_process";
import { chmodSync, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The words before a command that lives in mounts and processes of its own, and dies with this process. */
export const ISOLATED = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
];

/** $1 is the root, $2 how many pairs of folders follow to be shown in it; then the command. Its own root, not a chroot: in one of those no namespaces can be made. */
const SCRIPT = `set -e
root=$1; pairs=$2; shift 2
mount --bind "$root" "$root"
mkdir -p "$root/.old"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 run "$root/run"
while [ "$pairs" -gt 0 ]; do
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  pairs=$((pairs - 1)); shift 2
done
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
cd "$root"
pivot_root . .old
umount --lazy /.old
exec "$@"
`;

/**
 * Resolves with the exit code, or the signal by which it ended; what it prints goes to the file `log`.
 * @param {string} root
 * @param {string[]} command
 * @param {{show?: [string, string][], env?: Record<string, string>, log: string, timeoutMs: number}} options
 *   `show` pairs a folder of this machine with its path in there
 * @returns {Promise<number | string>}
 */
export async function enter(root, command, { show = [], env = {}, log, timeoutMs }) {
  for (const [folder] of show) mkdirSync(folder, { recursive: true });
  const args = [...ISOLATED.slice(1), "sh", "-c", SCRIPT, "sh", root, String(show.length), ...show.flat(), ...command];
  const output = createWriteStream(log, { flags: "a" });
  const child = spawn(ISOLATED[0], args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...networkOf(process.env), HOME: "/root", LC_ALL: "C.UTF-8", PATH: SYSTEM_PATH, ...env },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const ended = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  await new Promise((resolve) => output.end(resolve));
  return ended;
}

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How this machine reaches mirrors. */
function networkOf(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)));
}

/** Throws unless it exits with 0; `name` is what the command does. */
export async function enterOrThrow(root, command, { name, ...options }) {
  const ended = await enter(root, command, options);
  if (ended !== 0) throw new Error(`${name} ended with ${ended}; see ${options.log}`);
}

/** An empty folder for what is temporary in there: also programs that have given up root write to it. */
export function emptyTmp(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o1777);
}

/** The folder in which everything of the matrix lies. */
export function matrixFolder(checkout, ...names) {
  return join(checkout, "build", "matrix", ...names);
}
