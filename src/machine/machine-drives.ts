// Owns which drives a machine starts with, and which it gets in their place once it runs. Never starts it.
import { join } from "node:path";
import { crashPoint } from "../base/crash-point.js";
import { newId } from "../base/id.js";
import type { Task } from "../base/progress.js";
import { diskAt, layOver, makeDisk, moveDisk, type DiskPlace } from "../disk/chain.js";
import { emptySeed } from "../disk/empty-seed.js";
import { formattedDisk } from "../disk/formatted-disk.js";
import type { OwnDrives } from "../engine/engine.js";
import type { AnsweringMachine } from "./boot.js";
import type { MachineFolders, MachineHome } from "./machine-files.js";
import type { Template } from "./saved/template.js";

/** What a caller wants under its machine; nothing: a fresh disk that goes with the machine, and no seed. */
export interface WantedDrives {
  readonly seedPath: string;
  readonly place: DiskPlace;
  /** The disk is there, as an earlier machine left it; else it is made. */
  readonly exists: boolean;
}

export interface DriveSource {
  readonly folders: MachineFolders;
  readonly home: MachineHome;
  readonly wanted: WantedDrives | undefined;
}

/** For a machine that boots. */
export async function bootDrives(source: DriveSource, task: Task): Promise<OwnDrives> {
  const { folders, wanted } = source;
  if (wanted?.exists === true) return existingDrives(wanted);
  return newDrives(source, await formattedDisk(folders.cache, task), task);
}

/** For a machine that is restored, with its root mounted: always a new disk over the template's own. */
export async function restoreDrives(source: DriveSource, template: Template, task: Task): Promise<OwnDrives> {
  const wanted = source.wanted?.exists === true ? undefined : source.wanted;
  return newDrives({ ...source, wanted }, template.diskPath, task);
}

/** Gives a machine that was restored on its own new disk what the caller wants. True: its root is still mounted. */
export async function exchangeForExisting(
  { machine, session }: AnsweringMachine,
  wanted: WantedDrives | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (wanted?.exists !== true) return true;
  await session.machine.unmount({}, { signal });
  await machine.attach(existingDrives(wanted));
  return false;
}

/** Makes a pool machine's own disk, and base, the caller's, and puts the caller's seed under it. */
export async function handOverDisk(
  { machine, diskPath }: Pick<AnsweringMachine, "machine"> & { readonly diskPath: string },
  wanted: WantedDrives | undefined,
  template: Template,
): Promise<void> {
  if (wanted === undefined || wanted.exists) return;
  await moveDisk(diskPath, template.diskPath, wanted.place);
  await machine.attach({ seedPath: wanted.seedPath });
  crashPoint("seed put under");
}

function existingDrives({ seedPath, place }: WantedDrives): OwnDrives {
  return { seedPath, disk: diskAt(place) };
}

async function newDrives({ folders, home, wanted }: DriveSource, formatted: string, task: Task): Promise<OwnDrives> {
  if (wanted !== undefined) return { seedPath: wanted.seedPath, disk: await makeDisk(wanted.place, formatted) };
  const path = join(home.folder, `${newId("disk")}.qcow2`);
  return {
    seedPath: await emptySeed(folders.cache, task),
    disk: await layOver(formatted, path, { throwAway: true }),
  };
}
