// Owns whether a repository of this host may be cloned: not when it would bring along what lies in another one. Never clones.
import { PyroError } from "../../base/error.js";
import { either, field, say } from "../../base/say.js";
import { borrowedObjects } from "./lenders.js";
import { bareRepositoryAt, repositoryAt, type FoundRepository, type RepositorySearch } from "./repository.js";
import { admittedBy, isWithin, realPathOf, realRoots } from "./roots.js";
import { HostFolders } from "../seed/host-folder.js";
import { statTree } from "../seed/tree-stat.js";

export interface LocalSource {
  /** A `file://` URL. */
  readonly url: string;
  /** Folders that it may lead to besides itself. */
  readonly allowHostPaths: readonly string[];
}

/** Throws `permission_denied` for one that content alone leads out of; what is no repository is git's to refuse. */
export async function checkLocalSource({ url, allowHostPaths }: LocalSource, signal: AbortSignal): Promise<void> {
  const named = decoded(url.slice("file://".length));
  const allowed = await realRoots(allowHostPaths);
  await using folders = new HostFolders();
  // The names that git tries, in its order.
  for (const candidate of [named, `${named}.git`]) {
    const folder = await folders.open(candidate, { roots: undefined, field: "repo_url" });
    if (folder === undefined) continue;
    const search = { folders, roots: [folder.path, ...allowed], signal };
    const checkout = await repositoryAt(folder, search);
    const found = checkout.kind === "none" ? await bareRepositoryAt(folder, search) : checkout;
    if (found.kind === "none") continue;
    await checkRepository(found, search);
    return;
  }
}

async function checkRepository(found: FoundRepository, search: RepositorySearch): Promise<void> {
  if (found.kind === "none") return;
  if (found.kind === "left-out") throw refused(`Its .git ${found.reason}`);
  const { gitDir, common } = found.repository;
  const roots = [...search.roots, gitDir.path, common.path];
  for (const folder of new Set([gitDir, common])) {
    for (const { path, type } of await statTree(folder, search.signal)) {
      if (type !== "l") continue;
      const real = await realPathOf(Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from(path, "latin1")]));
      if (real !== undefined && !isWithin(real, roots)) {
        throw refused(`A link in it leads to ${real} (${admittedBy(real)})`);
      }
    }
  }
  const objects = await search.folders.below(common, "objects");
  if (objects === undefined) return;
  const borrower = { folder: objects, path: "objects", roots, folders: search.folders };
  const { leftOut } = await borrowedObjects(borrower, search.signal);
  const [first] = leftOut;
  if (first !== undefined) throw refused(`Its ${first.path} ${first.reason}`);
}

/** As git decodes it: byte by byte, and leaving alone what is no code. */
function decoded(path: string): string {
  const bytes = Buffer.from(path).toString("latin1");
  const plain = bytes.replace(/%([0-9a-f]{2})/giu, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return Buffer.from(plain, "latin1").toString("utf8");
}

function refused(why: string): PyroError {
  return new PyroError("permission_denied", `The repository is not cloned, for it leads to another one. ${why}.`, {
    hint: say`Clone it yourself and start from the clone. Or have that folder allowed${either(say` by ${field("workspace_create", "allow_host_paths")}`)}.`,
  });
}
