// Owns putting the workspaces service together for the daemon, and its clock. Never handles a call.
import { join } from "node:path";
import type { PyroError } from "../base/error.js";
import type { Paths } from "../base/paths.js";
import type { EnvironmentStore } from "../environment/environment.js";
import type { MachineHost } from "../machine/machine-host.js";
import { sweep } from "../workspace/lifecycle.js";
import { handOver, resumeWorkspaces } from "../workspace/resume.js";
import { openSeeds } from "../workspace/seeds.js";
import { WorkspaceStore } from "../workspace/store.js";
import { openWorkspaces, type Workspaces } from "../workspace/workspaces.js";

export interface DaemonWorkspaces {
  readonly service: Workspaces;
  /** Leaves every workspace, with what runs in it, to the next daemon. */
  close(): void;
}

export interface WorkspaceParts {
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

export async function openDaemonWorkspaces(parts: WorkspaceParts): Promise<DaemonWorkspaces> {
  const { paths, environments, machines, unusable, shutdown } = parts;
  const store = await WorkspaceStore.open(paths.state);
  await resumeWorkspaces(store, machines);
  const seeds = openSeeds({ seeds: join(paths.cache, "seeds"), repositories: join(paths.cache, "repos") });
  const service = openWorkspaces({
    store,
    machines,
    environments,
    unusable,
    shutdown,
    prepareSeed: seeds.prepare,
    openHostTree: seeds.openTree,
  });
  const timer = setInterval(() => {
    sweep(store, Date.now(), shutdown).catch((error: unknown) => process.stderr.write(`sweep: ${String(error)}\n`));
  }, sweepIntervalMs);
  timer.unref();
  return {
    service,
    close: () => {
      clearInterval(timer);
      handOver(store);
    },
  };
}
