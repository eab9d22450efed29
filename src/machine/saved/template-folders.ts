// Owns the folders of saved machines: one for each that is made, which never changes once it is there and goes as a whole. Never makes one.
import { createHash, randomBytes } from "node:crypto";
import { readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { crashPoint } from "../../base/crash-point.js";
import { hasErrno } from "../../base/error.js";
import { tryLockFile } from "../../base/lock.js";
import { readRecordFile } from "../../base/record-file.js";
import type { RecordKind } from "../../base/stored-record.js";
import { diskBytes } from "../../disk/formatted-disk.js";
import type { SavedFiles } from "../../engine/engine.js";
import type { MachineFolders } from "../machine-files.js";

/** Where a template's parts are. */
export interface TemplateFiles extends SavedFiles {
  /** Raw disk as the saved machine has it mounted; each machine lays its own over it. */
  readonly diskPath: string;
  /** Its own name for the environment's image: whoever asked for the template may be gone, with theirs. */
  readonly basePath: string;
}

const manifestSchema = z.object({
  format: z.literal(1),
  memory_bytes: z.int(),
  state_sha256: z.string(),
  environment: z.string(),
  /** Of the environment's image and of the engine, by which it can be told why a template no longer fits. */
  image_digest: z.string(),
  engine_fingerprint: z.string(),
  vcpu_count: z.int(),
  mem_mib: z.int(),
});
export const templateRecordKind = {
  what: "template",
  schema: manifestSchema,
  upgrades: [],
} satisfies RecordKind<typeof manifestSchema>;

export type TemplateManifest = z.output<typeof manifestSchema>;

/** One that is whole. */
export interface SavedMachine {
  /** Name of its folder. */
  readonly generation: string;
  readonly manifest: TemplateManifest;
}

/** Its key and a random part. */
const generationPattern = /^[0-9a-f]{32}\.[0-9a-f]{16}$/u;
/** The same, and what is being made or removed; without a random part it is of an older version. */
const namePattern = /^([0-9a-f]{32})(?:\.[0-9a-f]{16})?(?:\.new|\.old)?$/u;

export const templateRoot = ({ cache }: Pick<MachineFolders, "cache">) => join(cache, "templates");

export const manifestPath = (folder: string) => join(folder, "template.json");

/** Whoever makes one of this key, or removes what was left of one, holds this lock. */
export const templateLock = (root: string, key: string) => join(root, `${key}.lock`);

export const newGeneration = (key: string) => `${key}.${randomBytes(8).toString("hex")}`;

/** Where it is made; a rename puts it in its place. */
export const draftOf = (root: string, generation: string) => join(root, `${generation}.new`);

export function filesOf(folder: string): TemplateFiles {
  return {
    memoryPath: join(folder, "memory"),
    statePath: join(folder, "state"),
    diskPath: join(folder, "disk"),
    basePath: join(folder, "base"),
  };
}

/** All that are complete, in a fixed order. */
export async function listGenerations(root: string): Promise<readonly string[]> {
  return (await entries(root)).filter((name) => generationPattern.test(name));
}

/** The one of this key; undefined when none is whole. */
export async function findSaved(root: string, key: string): Promise<SavedMachine | undefined> {
  for (const generation of await listGenerations(root)) {
    const manifest = generation.startsWith(`${key}.`) ? await readTemplate(root, generation) : undefined;
    if (manifest !== undefined) return { generation, manifest };
  }
  return undefined;
}

/** What a template says of itself; undefined when it is missing or not whole. */
export async function readTemplate(root: string, generation: string): Promise<TemplateManifest | undefined> {
  const folder = join(root, generation);
  const files = filesOf(folder);
  try {
    const found = await readRecordFile(templateRecordKind, manifestPath(folder));
    if (found.kind !== "readable") return undefined;
    const manifest = found.value;
    const [memory, disk] = await Promise.all([stat(files.memoryPath), stat(files.diskPath), stat(files.basePath)]);
    const state = await sha256Of(files.statePath);
    const whole = memory.size === manifest.memory_bytes && disk.size === diskBytes && state === manifest.state_sha256;
    return whole ? manifest : undefined;
  } catch {
    // Missing or garbled is all the same: it is built again.
    return undefined;
  }
}

/** A newer pyro made it, for itself: neither used nor removed. */
export async function isOfNewerPyro(root: string, generation: string): Promise<boolean> {
  return (await readRecordFile(templateRecordKind, manifestPath(join(root, generation)))).kind === "newer";
}

/** At once and as a whole: who opens a file of it later finds none, rather than some. Fine when it is gone already. */
export async function removeGeneration(root: string, generation: string): Promise<void> {
  const going = join(root, `${generation}.old`);
  try {
    await rename(join(root, generation), going);
    crashPoint("template renamed away");
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
  await rm(going, { recursive: true, force: true });
}

/** Removes all of this key but those of a newer pyro. The caller holds its lock, and has found none that is whole. */
export async function clearKey(root: string, key: string): Promise<void> {
  for (const name of await entries(root)) {
    if (namePattern.exec(name)?.[1] !== key || (await isOfNewerPyro(root, name))) continue;
    await rm(join(root, name), { recursive: true, force: true });
  }
}

/** Removes what dead processes left half made or half removed, and what older versions made; returns the folders' names. */
export async function removeLeftovers(root: string, signal: AbortSignal): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await entries(root)) {
    const key = namePattern.exec(name)?.[1];
    if (key === undefined || generationPattern.test(name)) continue;
    await using lock = await tryLockFile(templateLock(root, key), signal);
    if (lock === undefined) continue;
    await rm(join(root, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

export async function sha256Of(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** Sorted; none when the folder is missing. */
export async function entries(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}
