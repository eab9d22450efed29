// Owns what one change is, and what git says of its sides. Never finds one.
import type { BytePath } from "../byte-path.js";
import type { ReadAheadSource } from "./read-ahead.js";
import type { SeedTree } from "./source.js";
import type { Item } from "./touched-trees.js";

export type ChangeStatus = "added" | "modified" | "deleted" | "renamed" | "type_changed";

/** `old` is absent only when added, `now` only when deleted; an empty folder may stand on either side. */
export interface Change {
  readonly path: BytePath;
  readonly status: ChangeStatus;
  /** Of a rename; its content is equal on both sides. */
  readonly oldPath?: BytePath;
  readonly old?: Item;
  readonly now?: Item;
  /** An empty folder has taken the place of something else. */
  readonly isHollow?: boolean;
}

export interface Comparison {
  readonly source: ReadAheadSource;
  readonly seed: SeedTree;
  readonly signal: AbortSignal;
}

export function isExecutable(item: Item): boolean {
  return (item.mode & 0o100) !== 0;
}

export function targetOf(item: Item): Uint8Array {
  return item.linkTarget ?? new Uint8Array();
}

const kindModes = {
  symlink: "120000",
  directory: "040000",
  fifo: "010000",
  socket: "140000",
  device: "020000",
} as const;

/** Type and permission as git writes them. */
export function gitMode(item: Item): string {
  if (item.kind === "file") return isExecutable(item) ? "100755" : "100644";
  return kindModes[item.kind];
}
