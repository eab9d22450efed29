// Owns the list of all that pyro has on this host, and who owns each. Never changes any of it.
import { realpath } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Paths } from "../../base/paths.js";
import { forPerson } from "../../base/say.js";
import { daemonLockPath } from "../../daemon/record.js";
import { auditFolders } from "./folders.js";
import { auditMachines } from "./machines.js";
import { auditPrograms } from "./programs.js";
import { lockHolder, readProcessTable } from "./process-table.js";
import { daemonOwner, type Thing } from "./thing.js";

/** Milliseconds for which something has to be without an owner: what is being made or removed has none for a moment. */
const patienceMs = 3000;
const lookAgainMs = 150;

/** One look where everything has an owner. */
export async function audit(paths: Paths, signal: AbortSignal): Promise<readonly Thing[]> {
  const until = performance.now() + patienceMs;
  let things = await look(paths);
  while (things.some(({ owner }) => owner === undefined) && performance.now() < until) {
    await delay(lookAgainMs, undefined, { signal });
    things = await look(paths);
  }
  return things;
}

async function look(paths: Paths): Promise<readonly Thing[]> {
  const processes = readProcessTable();
  const lock = await realpath(daemonLockPath(paths)).catch(() => daemonLockPath(paths));
  const daemon = lockHolder(processes, lock);
  const ground = { paths, processes, daemon, now: Date.now() };
  const itself: Thing[] =
    daemon === undefined
      ? []
      : [{ kind: "process", what: `${daemon.pid} pyro daemon`, owner: "you", fix: forPerson`pyro daemon stop` }];
  const own = daemonOwner(ground);
  const locks: Thing[] = own === undefined ? [] : [{ kind: "lock", what: lock, owner: own, fix: "" }];
  return [
    ...itself,
    ...locks,
    ...auditPrograms(ground),
    ...(await auditMachines(ground)),
    ...(await auditFolders(ground)),
  ];
}
