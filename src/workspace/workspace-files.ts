// Owns where a workspace's files lie and that they stand on their own. Never reads their content.
import { constants } from "node:fs";
import { copyFile, link, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../base/error.js";
import type { OwnDrives } from "../engine/engine.js";

export interface WorkspaceFiles {
  readonly folder: string;
  readonly record: string;
  readonly journal: string;
  /** Folder of command outputs, `<sequence>.out` and `.err`. */
  readonly output: string;
  readonly disk: string;
  readonly diskBase: string;
  readonly base: string;
  readonly seed: string;
  readonly seedManifest: string;
}

export function workspaceFiles(root: string, id: string): WorkspaceFiles {
  const folder = join(root, id);
  return {
    folder,
    record: join(folder, "workspace.json"),
    journal: join(folder, "journal.jsonl"),
    output: join(folder, "output"),
    disk: join(folder, "disk.qcow2"),
    diskBase: join(folder, "disk-base.ext4"),
    base: join(folder, "base.squashfs"),
    seed: join(folder, "seed.squashfs"),
    seedManifest: join(folder, "seed.manifest"),
  };
}

export function workspaceDrives(files: WorkspaceFiles): OwnDrives {
  return {
    seed: { path: files.seed, format: "raw" },
    disk: { path: files.disk, format: "qcow2", backing: [{ path: files.diskBase, format: "raw" }] },
  };
}

/**
 * Gives the workspace a name of its own for a shared, immutable file: a hard link where both lie on one file system,
 * else a copy. So no cleaning of a cache can take it away.
 */
export async function keepFile(shared: string, own: string): Promise<void> {
  await rm(own, { force: true });
  try {
    await link(shared, own);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK"].some((code) => hasErrno(error, code))) throw error;
    await copyFile(shared, own, constants.COPYFILE_FICLONE);
  }
}
