// Owns a machine's folders on the host. Never starts it.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { crashPoint } from "../base/crash-point.js";
import { removeFolder } from "../base/remove-folder.js";
import type { MachineSpec } from "../engine/engine.js";

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

export function machineHome(folders: MachineFolders, id: string): MachineHome {
  return { id, folder: join(folders.state, "machines", id), socketFolder: join(folders.sockets, "m", id) };
}

export async function makeHome(home: MachineHome): Promise<void> {
  for (const folder of [home.folder, home.socketFolder]) await mkdir(folder, { recursive: true, mode: 0o700 });
  crashPoint("machine folders made");
}

export async function removeHome(home: MachineHome): Promise<void> {
  for (const folder of [home.folder, home.socketFolder]) await removeFolder(folder);
}

/** Removes the homes of all machines but those to keep. */
export async function removeOtherHomes(folders: MachineFolders, keep: ReadonlySet<string>): Promise<void> {
  const nowhere = machineHome(folders, "");
  for (const folder of [nowhere.folder, nowhere.socketFolder]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const id of await readdir(folder)) {
      if (!keep.has(id)) await removeFolder(join(folder, id));
    }
  }
}

export type MachineShape = Pick<MachineSpec, "vcpuCount" | "memMib">;
