// Owns what applying a patch needs to know of a workspace, and what it hands back. Never changes anything.
import type { Kept } from "../../base/spool.js";

export interface CurrentEntry {
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of a regular file. */
  readonly size: number;
  /** Of a symbolic link. */
  readonly linkTarget?: Uint8Array | undefined;
}

/** The workspace as it is now. Neither call follows a symbolic link in the last part; the ones above are looked up first. */
export interface PatchFiles {
  lookup(path: Buffer): Promise<CurrentEntry | undefined>;
  /** A regular file's content. */
  read(path: Buffer): Promise<Buffer>;
  /** The paths right in a folder, of whatever kind. */
  entriesOf(folder: Buffer): Promise<readonly Buffer[]>;
  /** All paths below a folder, at any depth, without folders. */
  filesBelow(folder: Buffer): Promise<readonly Buffer[]>;
}

export interface PatchedFile {
  /** Bytes that are not UTF-8 are U+FFFD. */
  readonly path: string;
  readonly change: "added" | "modified" | "deleted" | "renamed" | "copied";
  readonly old_path?: string;
}

/** Everything to do, all at once or not at all: deletes first, then the rest. */
export interface PatchPlan {
  readonly writes: readonly { readonly path: Buffer; readonly content: Kept; readonly mode: number }[];
  readonly symlinks: readonly { readonly path: Buffer; readonly target: Buffer }[];
  /** A folder stands here when nothing is left in it, or when a file or link takes its place; all that it holds is deleted as well. */
  readonly deletes: readonly Buffer[];
  readonly files: readonly PatchedFile[];
  /** The workspace is as the patch would leave it, and there is nothing to do. */
  readonly alreadyApplied: boolean;
}

/** A file or link while the patch is worked out. */
export interface Version {
  /** Permission bits; of a link, 0o777. */
  readonly mode: number;
  readonly isLink: boolean;
  /** The target of a link. */
  readonly content: Buffer;
}
