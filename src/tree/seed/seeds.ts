// Owns turning what a caller named on the host into a seed, or into an archive for a running workspace. Never picks for them.
import { isAbsolute } from "node:path";
import { PyroError, asPyroError } from "../../base/error.js";
import type { OpenedPath } from "../../base/host-roots.js";
import type { Progress, Task } from "../../base/progress.js";
import { withinTime } from "../../base/within-time.js";
import { isInGitFolder } from "../byte-path.js";
import { withGit } from "../git/git-scope.js";
import { openGitFinder } from "../git/host-git.js";
import { openRepositories } from "../git/repositories.js";
import { seedFolders } from "./cache-folder.js";
import { listDirectory, type ListTask } from "./directory-listing.js";
import { isPointerNotice } from "./lfs-pointers.js";
import { readArchive } from "./read-archive.js";
import { readItems } from "./read-items.js";
import { includesNothing, openSeedCache, seedTimeoutMs, type Seed, type SeedStep } from "./seed-cache.js";
import { openSource } from "./seed-source.js";
import { TarStreamSink } from "../tar/stream-sink.js";
import type { HostSource, HostTree, PreparedSeed, SeedRequest } from "./request.js";

export interface Seeds {
  prepare(request: SeedRequest, task: Task): Promise<PreparedSeed>;
  openTree(source: HostSource, task: Task): Promise<HostTree>;
  /** Removes images that no workspace has and clones that nobody has used for long. `used` are digests of seeds. */
  prune(used: ReadonlySet<string>, signal: AbortSignal): Promise<void>;
}

/** Milliseconds that a clone is kept after its last use; the next one would fetch all of it again. */
const keepCloneMs = 30 * 24 * 60 * 60_000;

/** Milliseconds for one clone or fetch of a repository. */
const cloneTimeoutMs = 30 * 60_000;

export interface SeedFolders {
  /** Of seed images. */
  readonly seeds: string;
  /** Of clones. */
  readonly repositories: string;
  /** @internal For tests: told before each step. */
  readonly atStep?: (step: SeedStep) => void;
}

/** Nothing of the source, nor of a folder that a call may use, is run as the host's git or by it. */
export function openSeeds(folders: SeedFolders): Seeds {
  const seeds = openSeedsIn(folders);
  const find = openGitFinder();
  return {
    prepare: async (request, task) => {
      const { seed_path: seed, project_path: project, allowedRoots = [], allow_host_paths: allowed = [] } = request;
      const away = [seed, project, ...allowedRoots, ...allowed].filter((path) => path !== undefined);
      const search = { wish: request.hostGit, away, signal: task.signal };
      return withGit(
        async () => find(search),
        async () => seeds.prepare(request, task),
      );
    },
    openTree: async (source, task) => {
      const { path, origin, allowedRoots = [], allowHostPaths = [] } = source;
      const away = [path, ...(origin === undefined ? [] : [origin]), ...allowedRoots, ...allowHostPaths];
      const search = { wish: source.hostGit, away, signal: task.signal };
      return withGit(
        async () => find(search),
        async () => seeds.openTree(source, task),
      );
    },
    prune: seeds.prune,
  };
}

function openSeedsIn({ atStep = () => undefined, ...folders }: SeedFolders): Seeds {
  const repositories = openRepositories({ root: folders.repositories, timeoutMs: cloneTimeoutMs });
  const cache = openSeedCache({ root: folders.seeds, clock: () => new Date(), atStep });
  return {
    prepare: async ({ sshAgent, allowedRoots, ...choice }, task) => {
      const given = (["seed_path", "project_path", "repo_url"] as const).filter((field) => choice[field] !== undefined);
      if (given.length > 1) {
        throw new PyroError("invalid_argument", `Only one of ${given.join(", ")} can be given.`);
      }
      const { include = [] } = choice;
      const allowHostPaths = [...(allowedRoots ?? []), ...(choice.allow_host_paths ?? [])];
      if (choice.repo_url !== undefined) {
        if (include.length > 0) throw includesNothing("a clone");
        const repository = { url: choice.repo_url, ref: choice.repo_ref, sshAgent, allowHostPaths };
        await using checkout = await repositories.checkout(repository, task);
        const seed = await cache.seedFromPath(checkout.path, task);
        // Of a clone all are known, by its attributes.
        const others =
          checkout.skipped.length === 0 ? seed.skipped : seed.skipped.filter((each) => !isPointerNotice(each));
        const skipped = [...checkout.skipped, ...others];
        return prepared({ ...seed, skipped, originRef: checkout.url }, "repo_url");
      }
      const path = choice.seed_path ?? choice.project_path;
      if (path === undefined && include.length > 0) throw includesNothing("an empty workspace");
      if (path === undefined) return prepared(await cache.emptySeed(task), "none");
      const field = choice.seed_path === undefined ? "project_path" : "seed_path";
      requireAbsolute(field, path);
      return prepared(await cache.seedFromPath(path, { ...task, allowedRoots, field, allowHostPaths, include }), field);
    },
    openTree: async (source, task) => openTreeIn({ ...folders, atStep }, source, task),
    prune: async (used, signal) => {
      await cache.prune(used, signal);
      await repositories.prune(new Date(Date.now() - keepCloneMs), signal);
    },
  };
}

async function openTreeIn(
  { seeds, atStep }: Pick<Required<SeedFolders>, "seeds" | "atStep">,
  { path, allowedRoots, allowHostPaths = [] }: HostSource,
  task: Task,
): Promise<HostTree> {
  const field = "source_path";
  atStep("open");
  const opened = await openSource(path, { roots: allowedRoots, field }, "not_found");
  const sink = new TarStreamSink();
  const skipped: HostTree["skipped"][number][] = [];
  const list = {
    allowedRoots,
    field,
    allowHostPaths: [...(allowedRoots ?? []), ...allowHostPaths],
    scratch: seedFolders(seeds).tmp,
  };
  const limit = { ms: seedTimeoutMs, what: `Reading ${path}`, hint: "Push a smaller folder." };
  const fill = withinTime(task.signal, limit, async (signal) => {
    await using source = opened;
    await (source.kind === "directory"
      ? fillFromFolder(sink, { source, skipped, list: { ...list, signal }, atStep }, task.progress)
      : readArchive(sink, { file: source, task: { ...task, signal }, withoutGit: true }));
  });
  fill.then(
    () => sink.finish(),
    (error: unknown) => sink.finish(asPyroError(error)),
  );
  const folder = opened.kind === "directory" ? opened.path : undefined;
  return { archive: sink.read(), folder, skipped };
}

function prepared(seed: Seed, kind: PreparedSeed["facts"]["origin_kind"]): PreparedSeed {
  return {
    imagePath: seed.imagePath,
    manifestPath: seed.manifestPath,
    facts: {
      mode: seed.mode,
      origin_kind: kind,
      origin_ref: seed.originRef,
      commit: seed.commit,
      file_count: seed.fileCount,
      byte_count: seed.byteCount,
      skipped: [...seed.skipped],
      digest: seed.digest,
    },
  };
}

interface Folder {
  readonly source: OpenedPath;
  readonly list: ListTask;
  readonly atStep: (step: SeedStep) => void;
  /** Gets what could not be taken along. */
  readonly skipped: { path: string; reason: string }[];
}

/** The files as a seed would hold them, without any `.git`: a workspace's own history is not to be overwritten. */
async function fillFromFolder(
  sink: TarStreamSink,
  { source, skipped, list, atStep }: Folder,
  progress: Progress,
): Promise<void> {
  atStep("list");
  await using listing = await listDirectory(source, list);
  const items = listing.items.filter((item) => !isInGitFolder(item.path));
  atStep("read");
  const read = await readItems(sink, { items, signal: list.signal, progress });
  const leftOut = listing.skipped.filter((each) => !lacksObjects.test(each.path));
  skipped.push(...leftOut, ...read.skipped);
}

/** Objects that repositories lack are nothing to a push, which takes no repository. */
const lacksObjects = /(^|\/)(objects\/info\/alternates|\.git\/objects)$/u;

function requireAbsolute(field: string, path: string): void {
  if (isAbsolute(path)) return;
  throw new PyroError("invalid_argument", `${field}: ${JSON.stringify(path)} must be absolute.`);
}
