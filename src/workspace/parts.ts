// Owns what the rooms of a workspace are given: what the daemon has for them, and who calls. Never does anything with it.
import type { PyroError } from "../base/error.js";
import type { GitWish } from "../base/git-wish.js";
import type { AllowedRoots } from "../base/host-roots.js";
import type { Task } from "../base/progress.js";
import type { EnvironmentStore } from "../environment/environment.js";
import type { Exports } from "../tree/export/exports.js";
import type { HostFile, HostSource, HostTree, PreparedSeed, SeedRequest } from "../tree/seed/request.js";
import type { Door } from "./access.js";

/** A caller who names paths of the host. */
export interface HostCaller extends Task {
  /** Where they may lead. */
  readonly allowedRoots?: AllowedRoots;
  /** Its PATH and PYRO_GIT. */
  readonly hostGit?: GitWish | undefined;
}

/** A caller who may name a repository as well. */
export interface SeedCaller extends HostCaller {
  /** Socket of its SSH agent, where it has one. */
  readonly sshAgent?: string | undefined;
}

export interface WorkspaceParts extends Door {
  readonly environments: EnvironmentStore;
  readonly prepareSeed: (request: SeedRequest, task: Task) => Promise<PreparedSeed>;
  readonly openHostTree: (source: HostSource, task: Task) => Promise<HostTree>;
  /** Undefined for a folder, and unless it is wanted as it is, for an archive. */
  readonly openHostFile: (source: HostSource & { asItIs?: boolean }, task: Task) => Promise<HostFile | undefined>;
  readonly exports: Exports;
  /** Given: why no machine can be started here. */
  readonly unusable: PyroError | undefined;
  /** Aborted when the daemon ends. */
  readonly shutdown: AbortSignal;
}
