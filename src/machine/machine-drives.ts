// Owns which drives a machine starts with, and which it gets in their place once it runs. Never starts it.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../base/id.js";
import { keepFile } from "../base/keep-file.js";
import type { Task } from "../base/progress.js";
import type { Drive, OwnDrives } from "../engine/engine.js";
import { diskBytes, ensureDiskTemplate } from "../disk/formatted-disk.js";
import { writeOverlay } from "../disk/qcow2.js";
import type { AnsweringMachine } from "./boot.js";
import type { MachineFolders, MachineHome } from "./machine-files.js";
import { placeholderSeed } from "../disk/empty-seed.js";
import type { Template } from "./saved/template.js";

/** What a caller wants under its machine; nothing: a fresh disk that goes with the machine, and no seed. */
export type WantedDrives =
  | ({ readonly disk: "existing" } & { readonly drives: OwnDrives })
  /** A fresh disk, made at these paths: what the machine writes, over what it starts from. */
  | { readonly disk: "new"; readonly path: string; readonly basePath: string; readonly seed: Drive };

export interface DriveSource {
  readonly folders: MachineFolders;
  readonly home: MachineHome;
  readonly wanted: WantedDrives | undefined;
}

/** For a machine that boots. */
export async function bootDrives({ folders, home, wanted }: DriveSource, task: Task): Promise<OwnDrives> {
  if (wanted?.disk === "existing") return wanted.drives;
  const { path: basePath } = await ensureDiskTemplate(folders.cache, task);
  return newDrives({ folders, home, wanted }, basePath, task);
}

/** For a machine that is restored, with its root mounted: always a new disk over the template's own. */
export async function restoreDrives(
  { folders, home, wanted }: DriveSource,
  template: Template,
  task: Task,
): Promise<OwnDrives> {
  const fresh = wanted?.disk === "existing" ? undefined : wanted;
  return newDrives({ folders, home, wanted: fresh }, template.diskPath, task);
}

/** Gives a machine that was restored on its own new disk what the caller wants. True: its root is still mounted. */
export async function exchangeForExisting(
  { machine, session }: AnsweringMachine,
  wanted: WantedDrives | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (wanted?.disk !== "existing") return true;
  await session.machine.unmount({}, { signal });
  await machine.attach(wanted.drives);
  return false;
}

/** Makes a pool machine's own disk, and base, the caller's, and puts the caller's seed under it. */
export async function handOverDisk(
  { machine, diskPath }: Pick<AnsweringMachine, "machine"> & { readonly diskPath: string },
  wanted: WantedDrives | undefined,
  template: Template,
): Promise<void> {
  if (wanted?.disk !== "new") return;
  await keepFile(template.diskPath, wanted.basePath);
  await rename(diskPath, wanted.path);
  await machine.attach({ seed: wanted.seed });
}

interface FreshSource extends DriveSource {
  readonly wanted: Exclude<WantedDrives, { readonly disk: "existing" }> | undefined;
}

async function newDrives({ folders, home, wanted }: FreshSource, basePath: string, task: Task): Promise<OwnDrives> {
  if (wanted === undefined) {
    const path = join(home.folder, `${newId("disk")}.qcow2`);
    await writeOverlay(path, diskBytes);
    const backing = [{ path: basePath, format: "raw" }] as const;
    return {
      seed: await placeholderSeed(folders.cache, task),
      disk: { path, format: "qcow2", throwAway: true, backing },
    };
  }
  await rm(wanted.path, { force: true });
  await keepFile(basePath, wanted.basePath);
  await writeOverlay(wanted.path, diskBytes);
  const backing = [{ path: wanted.basePath, format: "raw" }] as const;
  return { seed: wanted.seed, disk: { path: wanted.path, format: "qcow2", backing } };
}
