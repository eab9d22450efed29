// Owns measuring what a home holds of the host: processes, descriptors, sockets, files, memory. Never changes it.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds within which what is on its way out has to be gone. */
const settleMs = 20_000;
/** Growth below this is noise: the daemon before its first full collections, caches of the file system. */
const noise = { daemon_mib: 64, disk_mib: 8 };

/**
 * Looks once, or again and again until it is no more than `baseline`.
 * @param {string} home
 * @param {Footprint} [baseline]
 * @returns {Promise<Footprint>}
 *
 * @typedef {{processes: string[], machines: number, sockets: number, daemon_fds: number, daemon_mib: number, disk_mib: number}} Footprint
 */
export async function footprint(home, baseline) {
  const until = Date.now() + settleMs;
  for (;;) {
    const seen = look(home);
    if (baseline === undefined || leaks(baseline, seen).length === 0 || Date.now() > until) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What there is more of than before, in words. @param {Footprint} before @param {Footprint} after */
export function leaks(before, after) {
  const grown = (name, allowed = 0) =>
    after[name] > before[name] + allowed ? [`${name} ${before[name]} → ${after[name]}`] : [];
  const processes = after.processes.length > before.processes.length;
  return [
    ...(processes ? [`processes ${before.processes.join(" ")} → ${after.processes.join(" ")}`] : []),
    ...grown("machines"),
    ...grown("sockets"),
    ...grown("daemon_fds"),
    ...grown("daemon_mib", noise.daemon_mib),
    ...grown("disk_mib", noise.disk_mib),
  ];
}

/** @returns {Footprint} */
function look(home) {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => kindOf(pid, home).map((kind) => ({ pid, kind })));
  const daemon = processes.find(({ kind }) => kind === "daemon")?.pid;
  return {
    processes: processes.map(({ kind }) => kind).toSorted(),
    machines: namesIn(join(home, "state", "machines")).length + namesIn(join(home, "run", "m")).length,
    sockets: readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .filter((line) => line.includes(`${home}/run/`)).length,
    daemon_fds: daemon === undefined ? 0 : namesIn(`/proc/${daemon}/fd`).length,
    daemon_mib: daemon === undefined ? 0 : residentMib(daemon),
    disk_mib: Number.parseInt(
      execFileSync("du", ["--summarize", "--block-size=1M", home], { stdio: ["ignore", "pipe", "ignore"] }).toString(),
      10,
    ),
  };
}

function kindOf(pid, home) {
  const argv = read(`/proc/${pid}/cmdline`).split("\0");
  if (argv.join(" ").includes("pyro.js daemon serve"))
    return read(`/proc/${pid}/environ`).includes(`PYRO_HOME=${home}\0`) ? ["daemon"] : [];
  if (!argv.some((word) => word.includes(`${home}/`))) return [];
  return [argv[0]?.includes("qemu-system") ? "machine" : argv[1] === "supervise" ? "supervisor" : (argv[0] ?? "")];
}

function residentMib(pid) {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024);
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path) {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
