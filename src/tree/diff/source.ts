// Owns what a diff is made from: the guest's list of touched paths, and the seed as the host knows it. Never trusts the former.
import type { SeedRecord } from "../seed/manifest-line.js";

/** The create-time baseline; trusted. */
export interface SeedTree {
  lookup(path: Buffer): Promise<SeedRecord | undefined>;
  /** Everything below a folder, at any depth, without the folder. */
  below(folder: Buffer): AsyncIterable<SeedRecord>;
  /** Every name of the files of these groups. */
  linked(groups: ReadonlySet<string>): AsyncIterable<SeedRecord>;
}

export type TouchedKind = "file" | "directory" | "symlink" | "socket" | "fifo" | "device" | "whiteout";

/** One entry of the upper layer of /workspace, as the guest tells it; every field is hostile. */
export interface TouchedEntry {
  readonly path: Uint8Array;
  readonly kind: TouchedKind;
  readonly mode: number;
  readonly size: number;
  readonly linkTarget?: Uint8Array | undefined;
  /** Hides what the seed has below this folder. */
  readonly opaque?: boolean | undefined;
  /** What the seed has below this folder comes from this path of the seed; from the folder's own path when absent. */
  readonly redirect?: Uint8Array | undefined;
}

export interface OpenedFile {
  readonly mode: number;
  readonly size: number;
  /** May carry more or fewer bytes than `size` says. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface SmallFile {
  readonly root: "workspace" | "seed";
  readonly path: Buffer;
}

export interface SmallContent {
  readonly mode: number;
  readonly data: Uint8Array;
}

/** What the guest is asked for. Calls fail with `not_found` where nothing (or no regular file) is. */
export interface ChangeSource {
  touched(signal: AbortSignal): AsyncIterable<TouchedEntry>;
  /** Mode and size of a regular file of /workspace as it is now. */
  statNew(path: Buffer, signal: AbortSignal): Promise<Pick<OpenedFile, "mode" | "size">>;
  /** A regular file of /workspace as it is now. `chunks` are always read, though perhaps not to their end. */
  openNew(path: Buffer, signal: AbortSignal): Promise<OpenedFile>;
  /** A regular file of the mounted seed. */
  openOld(path: Buffer, signal: AbortSignal): Promise<OpenedFile>;
  /** Files by their place, read together; what is missing in the answer is to be opened by itself. */
  readSmall(files: readonly SmallFile[], signal: AbortSignal): Promise<ReadonlyMap<number, SmallContent>>;
}
