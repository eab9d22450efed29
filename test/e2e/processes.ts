// Owns finding, in /proc, the processes that belong to one PYRO_HOME. Never kills by name.

import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export interface HomeProcess {
  readonly pid: number;
  readonly kind: "daemon" | "supervisor" | "machine" | "other";
  readonly argv: readonly string[];
}

/** Those that have the folder in their arguments or as their PYRO_HOME or HOME; the test runner's own are left out. */
export function processesOf(home: string): readonly HomeProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .flatMap((pid) => {
      const argv = fieldsOf(pid, "cmdline");
      if (argv.length === 0 || argv.some((word) => word.includes("vitest"))) return [];
      const named = argv.some((word) => word.includes(`${home}/`) || word === home);
      const inherited = () =>
        fieldsOf(pid, "environ").some((each) => each === `PYRO_HOME=${home}` || each === `HOME=${home}`);
      return named || inherited() ? [{ pid, kind: kindOf(argv), argv }] : [];
    });
}

/** True while the process exists and has not ended. */
export function isAlive(pid: number): boolean {
  return fieldsOf(pid, "cmdline").length > 0;
}

/** NUL-separated fields of /proc/PID/NAME; none once the process has ended. */
export function fieldsOf(pid: number, name: "cmdline" | "environ"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/** What the process has open, such as `/dev/null` or `socket:[123]`, by descriptor. */
export function openFiles(pid: number): ReadonlyMap<number, string> {
  const folder = `/proc/${pid}/fd`;
  const open = readdirSync(folder).flatMap((fd): [number, string][] => {
    try {
      return [[Number(fd), readlinkSync(`${folder}/${fd}`)]];
    } catch {
      return [];
    }
  });
  return new Map(open);
}

function kindOf(argv: readonly string[]): HomeProcess["kind"] {
  if (argv[0]?.includes("qemu-system") === true) return "machine";
  if (argv[1] === "supervise") return "supervisor";
  return argv.join(" ").includes("pyro.js daemon serve") ? "daemon" : "other";
}
