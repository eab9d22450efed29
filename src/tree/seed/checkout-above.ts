// Owns finding the checkout that a folder is a part of, and whether its rules count. Never lists it.
import { dirname, relative, sep } from "node:path";
import { PyroError } from "../../base/error.js";
import type { AllowedRoots } from "../../base/host-roots.js";
import { findHome } from "../../base/user.js";
import { repositoryAt, type Repository, type RepositorySearch } from "../git/repository.js";
import { isWithin, realPathOf } from "../git/roots.js";
import type { ByteString } from "../tar/entry.js";
import type { HostFolder } from "./host-folder.js";

export type CheckoutAbove =
  | { readonly kind: "none" }
  /** Its rules are not for this user to follow, as git says too. */
  | { readonly kind: "foreign"; readonly path: string }
  | {
      readonly kind: "found";
      readonly root: HostFolder;
      readonly repository: Repository | undefined;
      /** Of the folder in the checkout. */
      readonly prefix: ByteString;
    };

export interface AboveSearch extends RepositorySearch {
  /** Where the caller may look; anywhere when absent. */
  readonly allowedRoots: AllowedRoots;
  /** The argument that named the folder. */
  readonly field: string;
}

/** The nearest one on the same file system. A home folder or `/` that is one has not been asked for. */
export async function checkoutAbove(folder: HostFolder, search: AboveSearch): Promise<CheckoutAbove> {
  const { dev } = await folder.handle.stat();
  const home = findHome();
  const ends = new Set([sep, home === undefined ? undefined : await realPathOf(home)]);
  for (let path = dirname(folder.path); !ends.has(path); path = dirname(path)) {
    const root = await search.folders.open(path, { roots: undefined, field: search.field });
    if (root?.path !== path || (await root.handle.stat()).dev !== dev) return { kind: "none" };
    const found = await repositoryAt(root, { ...search, roots: [...search.roots, root.path] });
    if (found.kind === "none") continue;
    const repository = found.kind === "found" ? found.repository : undefined;
    if (!(await isOwn(root, repository))) return { kind: "foreign", path };
    if (search.allowedRoots !== undefined && !isWithin(path, search.allowedRoots)) throw notNamed(folder, search.field);
    return { kind: "found", root, repository, prefix: Buffer.from(relative(path, folder.path)).toString("latin1") };
  }
  return { kind: "none" };
}

async function isOwn(root: HostFolder, repository: Repository | undefined): Promise<boolean> {
  const folders = repository === undefined ? [root] : [root, repository.gitDir];
  const owners = await Promise.all(folders.map(async ({ handle }) => (await handle.stat()).uid));
  return owners.every((owner) => owner === process.getuid?.());
}

function notNamed(folder: HostFolder, field: string): PyroError {
  return new PyroError("permission_denied", `${field}: ${folder.path} is part of a checkout that was not named.`, {
    hint: "Which files of it go in is that checkout's to say: ask the user to start the server in it, or to allow its folder.",
  });
}
