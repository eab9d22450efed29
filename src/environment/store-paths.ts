// Owns where things lie in an environment cache. Never touches them.
import { join } from "node:path";

export interface StorePaths {
  readonly root: string;
  /** `<64 hex digits>.squashfs`: content-addressed, read-only. */
  readonly images: string;
  /** `<safe name>.json`: one manifest for each installed environment. */
  readonly installs: string;
  /** `<safe name>/`: what the holder of that name's lock is making. */
  readonly tmp: string;
  /** `<safe name>.lock` for a name's pull; `.images.lock` for adding to and removing from `images`. */
  readonly locks: string;
}

export function storePaths(root: string): StorePaths {
  const under = (name: string) => join(root, name);
  return { root, images: under("images"), installs: under("installs"), tmp: under("tmp"), locks: under("locks") };
}

/** A file name for an environment's name, reversible; never empty and never one that starts with a dot. */
export function safeName(name: string): string {
  return encodeURIComponent(name).replace(/^\./u, "%2E");
}
