// Owns a machine's folders and drives on the host. Never starts it.
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../base/id.js";
import type { Task } from "../base/progress.js";
import type { Drive, MachineSpec, OwnDrives } from "../engine/engine.js";
import { ensureDiskTemplate } from "../environment/disk-template.js";
import { writeOverlay } from "../environment/qcow2.js";

export interface MachineFolders {
  /** Folder for the machines' disks and records. */
  readonly state: string;
  /** Folder for the machines' sockets. */
  readonly sockets: string;
  /** Folder for what machines share and can be made again. */
  readonly cache: string;
}

/** Where one machine lives. */
export interface MachineHome {
  readonly id: string;
  readonly folder: string;
  readonly socketFolder: string;
}

/** A guest keeps the capacity that a drive had at boot, so placeholders are as large as anything that may follow. */
const placeholderSeedBytes = 64 * 1024 ** 3;

export function machineHome(folders: MachineFolders, id: string): MachineHome {
  return { id, folder: join(folders.state, "machines", id), socketFolder: join(folders.sockets, "m", id) };
}

export async function makeHome(home: MachineHome): Promise<void> {
  for (const folder of [home.folder, home.socketFolder]) await mkdir(folder, { recursive: true, mode: 0o700 });
}

export async function removeHome(home: MachineHome): Promise<void> {
  for (const folder of [home.folder, home.socketFolder]) await rm(folder, { recursive: true, force: true });
}

/** Removes the homes of all machines but those to keep. */
export async function removeOtherHomes(folders: MachineFolders, keep: ReadonlySet<string>): Promise<void> {
  const nowhere = machineHome(folders, "");
  for (const folder of [nowhere.folder, nowhere.socketFolder]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const id of await readdir(folder)) {
      if (!keep.has(id)) await rm(join(folder, id), { recursive: true, force: true });
    }
  }
}

/** A fresh disk in the machine's folder, and the placeholder as seed. The disk an earlier call made stays in use. */
export async function freshDrives(folders: MachineFolders, home: MachineHome, task: Task): Promise<OwnDrives> {
  const template = await ensureDiskTemplate(folders.cache, task);
  const path = join(home.folder, `${newId("disk")}.qcow2`);
  await writeOverlay(path, template.virtualBytes);
  return {
    seed: await placeholderSeed(folders),
    disk: { path, format: "qcow2", throwAway: true, backing: [{ path: template.path, format: "raw" }] },
  };
}

async function placeholderSeed(folders: MachineFolders): Promise<Drive> {
  const path = join(folders.cache, "placeholder-seed.img");
  await using file = await open(path, "a", 0o600);
  await file.truncate(placeholderSeedBytes);
  return { path, format: "raw" };
}

export type MachineShape = Pick<MachineSpec, "vcpuCount" | "memMib">;
