// Owns the objects that a repository borrows from others by its alternates: which may come along, and which are left out. Never follows content alone.
import { resolve } from "node:path";
import type { HostPathJudge } from "../../base/host-roots.js";
import { admittedBy, isWithin, type Roots } from "./roots.js";
import { readBelow, type HostFolder, type HostFolders } from "../seed/host-folder.js";
import { under, type Item, type Skipped } from "../seed/listing.js";
import { displayName, type ByteString } from "../tar/entry.js";
import { statTree } from "../seed/tree-stat.js";

export interface Borrower {
  /** The folder of objects on the host. */
  readonly folder: HostFolder;
  /** Where it goes in the seed. */
  readonly path: ByteString;
  /** Where lenders may lie. */
  readonly roots: Roots;
  /** Keeps what is opened. */
  readonly folders: HostFolders;
}

export interface Borrowed {
  readonly items: readonly Item[];
  readonly leftOut: readonly Skipped[];
}

/** A chain of lenders is five long at most for git itself; each may name several. */
const maxLenders = 64;
const maxAlternatesBytes = 256 * 1024;

/** Opens what content names, so that it can be judged as what it is. */
const anywhere: HostPathJudge = { roots: undefined, field: "alternates" };

/** Objects in other repositories that this one borrows by its alternates file become its own. */
export async function borrowedObjects(borrower: Borrower, signal: AbortSignal): Promise<Borrowed> {
  const { folder, path, roots, folders } = borrower;
  const seen = new Set<string>();
  const items: Item[] = [];
  const leftOut: Skipped[] = [];
  const leave = (reason: string) =>
    leftOut.push({ path: displayName(`${path}/info/alternates`), reason: `${reason}: git inside lacks objects` });
  const visit = async (objects: HostFolder): Promise<void> => {
    for (const named of await lendersOf(objects)) {
      if (seen.has(named)) continue;
      if (seen.size >= maxLenders) return void leave(`names more than ${maxLenders} lenders`);
      seen.add(named);
      const lender = await folders.open(named, anywhere);
      if (lender === undefined) continue;
      if (!isWithin(lender.path, roots)) {
        leave(`borrows from ${lender.path}, which is left out (${admittedBy(lender.path)})`);
        continue;
      }
      const found = await statTree(lender, signal);
      for (const entry of found.filter((one) => isObjectFile(one.path))) {
        items.push({ kind: "copied", root: lender, found: entry, path: under(path, entry.path) });
      }
      await visit(lender);
    }
  };
  await visit(folder);
  return { items, leftOut };
}

function isObjectFile(path: ByteString): boolean {
  return /^(pack|[0-9a-f]{2})(\/|$)/u.test(path) && !/multi-pack-index|\.lock$|tmp_/u.test(path);
}

async function lendersOf(objects: HostFolder): Promise<readonly string[]> {
  const content = await readBelow(objects, "info/alternates", { maxBytes: maxAlternatesBytes });
  const lines = (content?.toString("utf8") ?? "").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const paths = lines.map((line) => line.replace(/^"(.*)"$/u, "$1")).filter((path) => !path.includes("\0"));
  return paths.map((path) => resolve(objects.path, path));
}
