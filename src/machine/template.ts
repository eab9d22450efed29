// Owns saved machines: one per environment, shape and host, from which all others are restored. Never runs a user's program.
import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeJsonAtomic } from "../base/atomic-file.js";
import { lockFile } from "../base/lock.js";
import { keepFile } from "../base/keep-file.js";
import type { Task } from "../base/progress.js";
import type { Engine } from "../engine/engine.js";
import { isSameAccelerator } from "../engine/fingerprint.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import type { MachineFolders, MachineShape } from "./machine-files.js";
import {
  clearKey,
  draftOf,
  filesOf,
  findSaved,
  listGenerations,
  manifestPath,
  newGeneration,
  readTemplate,
  removeGeneration,
  sha256Of,
  templateLock,
  templateRoot,
  type TemplateFiles,
  type TemplateManifest,
} from "./template-folders.js";

export interface Template extends TemplateFiles {
  /** Changes with everything that the saved machine depends on. */
  readonly key: string;
  /** Tells one that was made anew, under the same key, from the one before. */
  readonly generation: string;
}

export interface TemplateSubject extends MachineShape {
  readonly environment: InstalledEnvironment;
}

/** Boots, warms and saves a machine: leaves its memory, its devices' state and its disk at these paths. */
export type TemplateBuilder = (subject: TemplateSubject, target: TemplateFiles, task: Task) => Promise<void>;

/** Anybody may remove a template at any time: then no file of it can be opened any more, and a caller asks again. */
export interface TemplateStore {
  /** The template, whole, or undefined. Cheap. */
  find(subject: TemplateSubject): Promise<Template | undefined>;
  /** The same, built where it is missing; several callers and several daemons share one build. */
  ensure(subject: TemplateSubject, task: Task): Promise<Template>;
  /** Removes this very one, never a newer one; machines that run from it keep running. */
  discard(template: Template): Promise<void>;
}

export function openTemplateStore(folders: MachineFolders, engine: Engine, build: TemplateBuilder): TemplateStore {
  const root = templateRoot(folders);
  const find = async (subject: TemplateSubject) => {
    const key = templateKey(engine, subject);
    const found = await findSaved(root, key);
    return found === undefined ? undefined : templateAt(root, key, found.generation);
  };
  return {
    find,
    ensure: async (subject, task) => {
      const found = await find(subject);
      if (found !== undefined) return found;
      await mkdir(root, { recursive: true, mode: 0o700 });
      const key = templateKey(engine, subject);
      await using _lock = await lockFile(templateLock(root, key), task.signal);
      return (await find(subject)) ?? (await makeOne(root, { key, subject, engine, build }, task));
    },
    discard: ({ generation }) => removeGeneration(root, generation),
  };
}

export function templateKey(engine: Engine, { environment, vcpuCount, memMib }: TemplateSubject): string {
  const parts = [4, engine.name, engine.fingerprint, environment.imageDigest, vcpuCount, memMib];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function templateAt(root: string, key: string, generation: string): Template {
  return { key, generation, ...filesOf(join(root, generation)) };
}

interface Build {
  readonly key: string;
  readonly subject: TemplateSubject;
  readonly engine: Engine;
  readonly build: TemplateBuilder;
}

/** Beside its place, then renamed: nobody sees half a template. The caller holds the key's lock, and has found none. */
async function makeOne(root: string, { key, subject, engine, build }: Build, task: Task): Promise<Template> {
  await clearKey(root, key);
  const generation = newGeneration(key);
  const draft = draftOf(root, generation);
  await mkdir(draft, { mode: 0o700 });
  try {
    const files = filesOf(draft);
    await build(subject, files, task);
    await keepFile(subject.environment.imagePath, files.basePath);
    await writeJsonAtomic(manifestPath(draft), {
      format: 1,
      memory_bytes: (await stat(files.memoryPath)).size,
      state_sha256: await sha256Of(files.statePath),
      environment: subject.environment.name,
      image_digest: subject.environment.imageDigest,
      engine_fingerprint: engine.fingerprint,
      vcpu_count: subject.vcpuCount,
      mem_mib: subject.memMib,
    } satisfies TemplateManifest);
    await rename(draft, join(root, generation));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  await syncFolder(root);
  await removeReplaced(root, generation, { ...subject, engine });
  return templateAt(root, key, generation);
}

/**
 * All others of the same environment, shape and accelerator: of an older image or host. One of another accelerator stays
 * for the time when that is used again. Machines that run from one keep its files open.
 */
async function removeReplaced(
  root: string,
  generation: string,
  { environment, vcpuCount, memMib, engine }: TemplateSubject & { readonly engine: Engine },
): Promise<void> {
  const others = (await listGenerations(root)).filter((name) => name !== generation);
  for (const other of others) {
    const found = await readTemplate(root, other);
    const same = found?.environment === environment.name && found.vcpu_count === vcpuCount && found.mem_mib === memMib;
    if (same && isSameAccelerator(found.engine_fingerprint, engine.fingerprint)) await removeGeneration(root, other);
  }
}
