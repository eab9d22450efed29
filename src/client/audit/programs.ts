// Owns judging the programs that pyro starts besides machines, and the locks that some of them hold. Never ends one.
import { basename } from "node:path";
import { isOrphan, type HostProcess } from "./process-table.js";
import { processThing, supervisedFolder } from "./machines.js";
import type { Ground, Thing } from "./thing.js";

/** What pyro starts with paths of its folders; what a user starts there, such as a pager, has a shell above it. */
const names = /^(flock|pyro-guest|bwrap|mmdebstrap|sqfstar|unsquashfs|mkfs\.ext4|git|qemu-system-.*|qemu-img)$/u;

export function auditPrograms(ground: Ground): readonly Thing[] {
  return [...ground.processes.values()].filter((each) => isOurs(ground, each)).map((each) => judge(ground, each));
}

function isOurs({ paths, processes }: Ground, each: HostProcess): boolean {
  const roots = [paths.state, paths.cache, paths.sockets, paths.environments].map((root) => `${root}/`);
  const above = processes.get(each.parent);
  const isMachine =
    supervisedFolder(each) !== undefined || (above !== undefined && supervisedFolder(above) !== undefined);
  if (isMachine || !names.test(basename(each.argv[0] ?? ""))) return false;
  return each.argv.some((word) => roots.some((root) => word.includes(root)));
}

function judge({ processes }: Ground, each: HostProcess): Thing {
  const owner = isOrphan(processes, each) ? undefined : `process ${each.parent}`;
  const lock = lockOf(each);
  if (lock === undefined) return processThing(each, owner);
  return { kind: "lock", what: lock, owner, fix: `kill ${each.pid}` };
}

/** The path that a `flock` holds, or waits for. */
export function lockOf({ argv }: HostProcess): string | undefined {
  return basename(argv[0] ?? "") === "flock" ? argv.find((word) => word.endsWith(".lock")) : undefined;
}
