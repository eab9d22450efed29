// Owns what a folder's seed consists of, as a list made before any content is read. Never reads content.
import type { Repository } from "../git/repository.js";
import type { HostFolder } from "./host-folder.js";
import type { ByteString } from "../tar/entry.js";
import type { FoundPath } from "./tree-stat.js";

/** A path that enters the seed as it is. */
export interface CopiedItem {
  readonly kind: "copied";
  /** The folder that `found.path` is relative to. */
  readonly root: HostFolder;
  readonly found: FoundPath;
  readonly path: ByteString;
}

/** Is told what a person should know of what is made. */
export type Note = (skipped: Skipped) => void;

/** A file whose content is made from one on the host, or a folder that no single folder stands for. */
export interface MadeItem {
  readonly kind: "made";
  readonly path: ByteString;
  /** What the content depends on: part of the cache key. */
  readonly identity: string;
  /** Seconds since 1970. */
  readonly changed: number;
  /** The file that the content is made from, where it is only one. */
  readonly source?: CopiedItem;
  /** Undefined for a folder; gives undefined when what it is made from is no longer there. */
  readonly content: ((signal: AbortSignal, note: Note) => Promise<Buffer | undefined>) | undefined;
}

export type Item = CopiedItem | MadeItem;

export interface Skipped {
  /** Relative to the seed's root, as text. */
  readonly path: string;
  readonly reason: string;
}

/** Holds the folders open that its items lie in, until it is disposed of. */
export interface Listing extends AsyncDisposable {
  readonly mode: "git" | "directory";
  /** The folder, without symbolic links. */
  readonly root: string;
  /** The checkout's where the mode is git. */
  readonly repository: Repository | undefined;
  readonly items: readonly Item[];
  readonly skipped: readonly Skipped[];
}

/** Why a path of this type cannot be in a seed; undefined when it can. */
export function unfitReason({ type, closed }: FoundPath): string | undefined {
  if (type === "s") return "a socket";
  if (type === "p") return "a named pipe";
  if (type === "b" || type === "c") return "a device";
  if (type !== "f" && type !== "d" && type !== "l") return "of an unknown type";
  if (closed === "too-deep") return "nested too deeply";
  return closed === undefined ? undefined : "permission denied";
}

/** In one order of the folders and of the items in each. */
export function byFolder(items: readonly CopiedItem[]): ReadonlyMap<HostFolder, readonly CopiedItem[]> {
  const groups = new Map<HostFolder, CopiedItem[]>();
  for (const item of items) {
    const group = groups.get(item.root);
    if (group === undefined) groups.set(item.root, [item]);
    else group.push(item);
  }
  return groups;
}

/** Joins parts of a path inside the seed, of which either may be empty. */
export function under(folder: ByteString, name: ByteString): ByteString {
  if (folder === "") return name;
  return name === "" ? folder : `${folder}/${name}`;
}
