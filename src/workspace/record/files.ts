// Owns where a workspace's files lie. Never reads their content.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { WantedDrives } from "../../machine/machine-drives.js";

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

/** Without a disk, as after its creation and a reset, a workspace gets a new one. */
export function workspaceDrives({ seed, disk, diskBase }: WorkspaceFiles): WantedDrives {
  return { seedPath: seed, place: { path: disk, basePath: diskBase }, exists: existsSync(disk) };
}
