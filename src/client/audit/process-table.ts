// Owns which processes of this user there are: number, parent, arguments. Never judges or ends one.
import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import { userId } from "../../base/user.js";

export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

export type ProcessTable = ReadonlyMap<number, HostProcess>;

/** Read at once, not in turns: what starts or ends in between would be seen by halves. Those that have ended are left out. */
export function readProcessTable(): ProcessTable {
  const uid = userId();
  const found = readdirSync("/proc").flatMap((name): [number, HostProcess][] => {
    if (!/^\d+$/u.test(name)) return [];
    try {
      if (statSync(`/proc/${name}`).uid !== uid) return [];
      const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1);
      // Its second field is a name in parentheses, which may hold anything.
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\)/su, "").trim().split(" ");
      return argv.length === 0 ? [] : [[Number(name), { pid: Number(name), parent: Number(fields[1]), argv }]];
    } catch {
      return [];
    }
  });
  return new Map(found);
}

/** The nearest one above for which this holds. */
export function ancestorOf(
  table: ProcessTable,
  { parent }: HostProcess,
  isWanted: (above: HostProcess) => boolean,
): HostProcess | undefined {
  const above = table.get(parent);
  if (above === undefined || above.pid === 1) return undefined;
  return isWanted(above) ? above : ancestorOf(table, above, isWanted);
}

/** Whoever started it has gone: it was handed to the first process, or to one that collects such. */
export function isOrphan(table: ProcessTable, { parent }: HostProcess): boolean {
  const above = table.get(parent);
  return above === undefined || parent === 1 || basename(above.argv[0] ?? "") === "systemd";
}

/** The daemon is the one that has its lock open. */
export function lockHolder(table: ProcessTable, lockPath: string): HostProcess | undefined {
  return [...table.values()].find(({ pid, argv }) => isDaemon(argv) && openPaths(pid).includes(lockPath));
}

function isDaemon(argv: readonly string[]): boolean {
  return argv.some((word, at) => word === "daemon" && argv[at + 1] === "serve");
}

function openPaths(pid: number): readonly string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`));
  } catch {
    return [];
  }
}
