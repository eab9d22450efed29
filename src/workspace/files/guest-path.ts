// Owns turning a caller's path under /workspace into one relative to it. Never follows links: the guest does, confined.
import { posix } from "node:path";
import { PyroError } from "../../base/error.js";
import { bytePath, pathBytes } from "../../tree/byte-path.js";

/** Accepts absolute paths under /workspace and relative ones; the root is empty. */
export function workspacePath(field: string, path: string): Uint8Array<ArrayBuffer> {
  const absolute = posix.resolve("/workspace", path);
  if (path.includes("\0") || (absolute !== "/workspace" && !absolute.startsWith("/workspace/"))) {
    throw new PyroError("invalid_argument", `${field}: ${JSON.stringify(path)} is not under /workspace.`, {
      hint: "Give a path under /workspace, or one relative to it.",
    });
  }
  const relative = Buffer.from(absolute.slice("/workspace/".length), "utf8");
  return Uint8Array.from(pathBytes(bytePath(relative)));
}

/** The path as a caller sees it. */
export function shownPath(path: Uint8Array): string {
  return posix.join("/workspace", Buffer.from(path).toString("utf8"));
}

/** Where a link at a path under /workspace leads by its words alone; undefined for what lies outside. */
export function linkedPath(path: string, target: string): string | undefined {
  const leadsTo = posix.resolve(posix.dirname(path), target);
  return leadsTo.startsWith("/workspace/") ? leadsTo : undefined;
}
