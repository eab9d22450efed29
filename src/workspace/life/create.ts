// Owns making a workspace: record first, then seed, disk and machine; all of it or nothing. Never changes an existing one.
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { crashPoint } from "../../base/crash-point.js";
import { asPyroError } from "../../base/error.js";
import { requireRoom } from "../../base/free-room.js";
import { newId } from "../../base/id.js";
import { keepFile } from "../../base/keep-file.js";
import type { Task } from "../../base/progress.js";
import { diskBytes } from "../../disk/formatted-disk.js";
import type { EnvironmentStore, InstalledEnvironment } from "../../environment/environment.js";
import type { PreparedSeed, SeedChoice } from "../../tree/seed/request.js";
import { holdAlone } from "../access.js";
import type { SeedCaller, WorkspaceParts } from "../parts.js";
import type { WorkspaceRecord } from "../record/record.js";
import { killWorkspaceMachine, startWorkspaceMachine } from "./machine.js";
import { workspaceFiles, type WorkspaceFiles } from "../record/files.js";
import { Workspace } from "../workspace.js";

export interface WorkspaceShape {
  readonly environment: string;
  readonly name?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly ttlSeconds: number;
}

export interface CreateRequest extends WorkspaceShape {
  readonly seed: SeedChoice;
  /** Milliseconds to wait until it runs; then the result says what creation is doing. */
  readonly waitMs: number;
}

export interface CreationRequest extends WorkspaceShape {
  readonly prepareSeed: (task: Task) => Promise<PreparedSeed>;
}

export type CreationParts = Pick<WorkspaceParts, "store" | "machines" | "environments">;

export interface Creation {
  readonly workspace: Workspace;
  /** Settles when it runs; rejects after everything of it is gone again. */
  readonly done: Promise<void>;
}

/** Answers when it is done or the caller's time is over; a caller that leaves before takes it back. */
export async function createWorkspace(
  parts: WorkspaceParts,
  { seed, waitMs, ...shape }: CreateRequest,
  caller: SeedCaller,
): Promise<Workspace> {
  if (parts.unusable !== undefined) throw parts.unusable;
  const taken = new AbortController();
  const leave = () => taken.abort(caller.signal.reason);
  caller.signal.addEventListener("abort", leave, { once: true });
  const task = { signal: AbortSignal.any([taken.signal, parts.shutdown]), progress: caller.progress };
  const { sshAgent, allowedRoots, hostGit } = caller;
  const choice = { ...seed, sshAgent, allowedRoots, hostGit };
  const prepareSeed = (inner: Task) => parts.prepareSeed(choice, inner);
  try {
    const creation = await beginCreation(parts, { ...shape, prepareSeed }, task);
    await doneWithin(creation, waitMs);
    return creation.workspace;
  } finally {
    caller.signal.removeEventListener("abort", leave);
  }
}

async function doneWithin({ done }: Creation, limitMs: number): Promise<void> {
  const over = new AbortController();
  const limit = delay(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    await Promise.race([done, limit]);
  } finally {
    over.abort();
  }
}

/** Writes the record and begins; aborting the task takes everything back. */
export async function beginCreation(parts: CreationParts, request: CreationRequest, task: Task): Promise<Creation> {
  const { store } = parts;
  if (request.name !== undefined) store.checkNameIsFree(request.name);
  const id = newId("ws");
  const workspace = new Workspace(newRecord(id, request), workspaceFiles(store.root, id));
  store.add(workspace);
  const told: Task = {
    signal: AbortSignal.any([task.signal, workspace.gone]),
    progress: (event) => {
      void workspace.change({ type: "progress", phase: event.message });
      task.progress(event);
    },
  };
  const build = async () => {
    await requireRoom({ path: store.root, bytes: 0, what: "A workspace" });
    await mkdir(workspace.files.folder, { mode: 0o700 });
    crashPoint("workspace folder made");
    await workspace.save({});
    await fill(parts, { workspace, request }, told);
    told.signal.throwIfAborted();
    await startWorkspaceMachine(parts.machines, workspace, told);
    await workspace.note({ type: "created", detail: request.environment });
  };
  const done = holdAlone(workspace, told.signal, build).catch(async (error: unknown) => {
    const why = asPyroError(told.signal.aborted ? told.signal.reason : error);
    await workspace.change({ type: "delete", because: "unmade" });
    await killWorkspaceMachine(workspace);
    await store.remove(workspace);
    throw why;
  });
  done.catch(() => undefined);
  return { workspace, done };
}

interface Filling {
  readonly workspace: Workspace;
  readonly request: CreationRequest;
}

/** Everything the machine needs, under names of the workspace's own. */
async function fill(parts: CreationParts, { workspace, request }: Filling, task: Task): Promise<void> {
  const { environments } = parts;
  const { files } = workspace;
  const [environment, seed] = await Promise.all([
    installed(environments, request.environment, task),
    request.prepareSeed(task),
  ]);
  await keepAll(files, { environment, seed });
  crashPoint("workspace files kept");
  await workspace.save({
    environment: {
      name: environment.name,
      image_digest: environment.imageDigest,
      image_bytes: environment.imageBytes,
      env: [...environment.env],
      source: environment.source,
      installed_at: environment.installedAt,
    },
    seed: seed.facts,
    disk_bytes_virtual: diskBytes,
  });
}

interface SharedFiles {
  readonly environment: InstalledEnvironment;
  readonly seed: PreparedSeed;
}

async function keepAll(files: WorkspaceFiles, shared: SharedFiles): Promise<void> {
  await Promise.all([
    keepFile(shared.environment.imagePath, files.base),
    keepFile(shared.seed.imagePath, files.seed),
    keepFile(shared.seed.manifestPath, files.seedManifest),
  ]);
}

async function installed(environments: EnvironmentStore, name: string, task: Task): Promise<InstalledEnvironment> {
  return (await environments.find(name)) ?? (await environments.pull(name, task)).environment;
}

function newRecord(id: string, request: WorkspaceShape): WorkspaceRecord {
  const now = new Date().toISOString();
  return {
    format: 1,
    id,
    name: request.name ?? null,
    labels: { ...request.labels },
    environment: { name: request.environment, image_digest: "", image_bytes: 0, env: [], source: "", installed_at: "" },
    vcpu_count: request.vcpuCount,
    mem_mib: request.memMib,
    ttl_seconds: request.ttlSeconds,
    network_policy: "off",
    state: "creating",
    failure: null,
    machine_id: null,
    disk_bytes_virtual: 0,
    seed: null,
    next_sequence: 1,
    created_at: now,
    last_active_at: now,
    last_reset_at: null,
    stopped_at: null,
  };
}
