// Owns putting together what the daemon offers to do with workspaces, and its clock. Never handles a call.
import { join } from "node:path";
import { sinceBootMs } from "../base/boot-clock.js";
import type { PyroError } from "../base/error.js";
import type { Paths } from "../base/paths.js";
import { report, reportFault } from "../base/report.js";
import type { EnvironmentStore } from "../environment/environment.js";
import type { MachineHost } from "../machine/machine-host.js";
import { sweep } from "../workspace/life/lifecycle.js";
import { handOver, resumeWorkspaces } from "../workspace/life/resume.js";
import { openHostFile } from "../tree/seed/host-file.js";
import { openSeeds } from "../tree/seed/seeds.js";
import { openExports, type Exports } from "../tree/export/exports.js";
import { WorkspaceStore } from "../workspace/record/store.js";
import { openWorkspaces, type Workspaces } from "../workspace/workspaces.js";

export interface DaemonWorkspaces {
  readonly offered: Workspaces;
  /** Leaves every workspace, with what runs in it, to the next daemon. */
  close(): void;
}

export interface WorkspacesOptions {
  readonly paths: Paths;
  readonly environments: EnvironmentStore;
  readonly machines: MachineHost;
  /** Given: why no machine can be started here. */
  readonly unusable: PyroError | undefined;
  /** Aborted when the daemon ends. */
  readonly shutdown: AbortSignal;
}

/** Milliseconds between two looks for what has been idle or stopped for too long. */
const sweepIntervalMs = 60_000;
/** Milliseconds between two looks for seeds that no workspace has; the first is a sweep after the start. */
const pruneIntervalMs = 60 * 60_000;

export async function openDaemonWorkspaces(options: WorkspacesOptions): Promise<DaemonWorkspaces> {
  const { paths, environments, machines, unusable, shutdown } = options;
  const store = await WorkspaceStore.open(paths.state);
  await resumeWorkspaces(store, machines);
  const seeds = openSeeds({ seeds: join(paths.cache, "seeds"), repositories: join(paths.cache, "repos") });
  const exports = await openExports(paths.state);
  // Not waited for: removing a large folder takes its time, and what an end of this daemon cuts off stays on record.
  void recoverExports(exports);
  const offered = openWorkspaces({
    store,
    machines,
    environments,
    unusable,
    shutdown,
    prepareSeed: seeds.prepare,
    openHostTree: seeds.openTree,
    openHostFile,
    exports,
  });
  let nextPrune = 0;
  const clock = cautiousClock();
  let tidying = false;
  const tidy = async (now: number) => {
    if (tidying) return;
    tidying = true;
    try {
      await tidyOnce(now);
    } finally {
      tidying = false;
    }
  };
  const tidyOnce = async (now: number) => {
    await sweep(store, now, shutdown);
    if (now < nextPrune) return;
    nextPrune = now + pruneIntervalMs;
    await seeds.prune(usedSeeds(store), shutdown);
  };
  const timer = setInterval(() => {
    tidy(clock()).catch((error: unknown) => reportFault("sweep failed", error));
  }, sweepIntervalMs);
  timer.unref();
  return {
    offered,
    close: () => {
      clearInterval(timer);
      handOver(store);
    },
  };
}

/**
 * The time of day, which alone outlives daemon and host, but never ahead of what has passed since we started: a clock that is
 * set forward deletes no workspace. One that is set back keeps them longer.
 */
function cautiousClock(): () => number {
  const begun = { wall: Date.now(), boot: sinceBootMs() };
  return () => Math.min(Date.now(), begun.wall + sinceBootMs() - begun.boot);
}

/** Settles what an earlier daemon was in the middle of. */
async function recoverExports(exports: Exports): Promise<void> {
  try {
    for (const { what, reason } of await exports.recover()) {
      report("export left as it is", { what, reason });
    }
  } catch (error) {
    reportFault("exports not settled", error);
  }
}

/** Digests of what the workspaces are made from. */
function usedSeeds(store: WorkspaceStore): ReadonlySet<string> {
  return new Set(store.all().flatMap(({ record: { seed } }) => (seed === null ? [] : [seed.digest])));
}
