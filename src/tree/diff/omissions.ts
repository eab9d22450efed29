// Owns which changes no patch holds, and why. Never makes a patch.
import { type BytePath, displayPath, rootPath } from "../byte-path.js";
import { isRefusedByGit } from "../git/quoted-name.js";
import type { Change, ChangeStatus } from "./change.js";
import type { Item } from "./touched-trees.js";

/**
 * empty_folder, special_file: no patch can hold it. git_refuses: `git apply` calls the name invalid. repository: git would
 * run what it says, where the patch is applied. git_folder: another repository's own files. too_large: the file.
 * patch_too_long: its part of the patch by itself. patch_full: its part, behind those before it.
 */
export const omittedKinds = [
  "empty_folder",
  "special_file",
  "git_refuses",
  "repository",
  "git_folder",
  "too_large",
  "patch_too_long",
  "patch_full",
  "gone_meanwhile",
] as const;
export type OmittedKind = (typeof omittedKinds)[number];

export interface Omission {
  /** A slash ends folders. */
  readonly path: string;
  /** Of the one change; absent where it is a folder of which the patch lacks something. */
  readonly status?: ChangeStatus;
  readonly kind: OmittedKind;
  /** In words, behind which the kind of file stands where that is why. */
  readonly reason: string;
}

/** Bytes of a file, on either side. */
export const maxPatchedFileBytes = 50 * 1024 * 1024;

/** What can be told without reading a file. */
export function omittedKind({ path, oldPath, old, now, status, isHollow }: Change): OmittedKind | undefined {
  const sides = [old, now].filter((item) => item !== undefined);
  if (sides.some((item) => isRefusedByGit(path, item.kind === "symlink"))) return "git_refuses";
  if (oldPath !== undefined && isRefusedByGit(oldPath, old?.kind === "symlink")) return "git_refuses";
  const isTooLarge = sides.some((item) => item.size > maxPatchedFileBytes && item.kind === "file");
  if (status !== "renamed" && isTooLarge) return "too_large";
  if (sides.some(isSpecial)) return "special_file";
  const isFolder = status !== "type_changed" && sides.some((item) => item.kind === "directory");
  return isFolder || isHollow === true ? "empty_folder" : undefined;
}

export function omissionOf(change: Change, kind: OmittedKind): Omission {
  const { path, status, old, now } = change;
  const item = [now, old].find((side) => side !== undefined && isSpecial(side)) ?? now ?? old;
  const isFolder = kind === "empty_folder";
  return { path: `${displayPath(path)}${isFolder ? "/" : ""}`, status, kind, reason: reasonOf(kind, item?.kind) };
}

/** A folder of which something is left out, whatever its files are. */
export function folderOmission(folder: BytePath, kind: "repository" | "git_folder"): Omission {
  return { path: folder === rootPath ? "./" : `${displayPath(folder)}/`, kind, reason: reasonOf(kind) };
}

function isSpecial({ kind }: Item): boolean {
  return kind === "fifo" || kind === "socket" || kind === "device";
}

const specialNames: Readonly<Partial<Record<Item["kind"], string>>> = {
  fifo: "pipe",
  socket: "socket",
  device: "device",
};

function reasonOf(kind: OmittedKind, item?: Item["kind"]): string {
  switch (kind) {
    case "empty_folder":
      return "an empty folder, which git does not keep";
    case "special_file":
      return `a ${(item && specialNames[item]) ?? "special file"}, which no patch can hold`;
    case "git_refuses":
      return "git refuses the name, as one of its own files";
    case "repository":
      return "git would take it for a repository: its settings and hooks are left out";
    case "git_folder":
      return "files of another repository, whose history is in no patch";
    case "too_large":
      return `a file of more than ${maxPatchedFileBytes / 1024 / 1024} MiB, on one side or both`;
    case "patch_too_long":
      return "its part of the patch alone is longer than the patch may be";
    case "patch_full":
      return "the patch is as long as one may be";
    case "gone_meanwhile":
      return "it went, or was written, while the patch was made";
  }
}
