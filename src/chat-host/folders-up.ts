// Owns the way from a folder up to another, or to the root. Never looks at the file system.
import { dirname } from "node:path";

/** The folder and those above it, up to `top` or, when it is not inside that, to the root. */
export function foldersUp(folder: string, top?: string): readonly string[] {
  if (folder === top || folder === dirname(folder)) return [folder];
  return [folder, ...foldersUp(dirname(folder), top)];
}
