// Owns saved machines: one per environment, shape and host, from which all others are restored. Never runs a user's program.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { syncFolder, writeJsonAtomic } from "../base/atomic-file.js";
import { lockFile } from "../base/lock.js";
import { keepFile } from "../base/keep-file.js";
import type { Task } from "../base/progress.js";
import type { Engine } from "../engine/engine.js";
import { diskBytes } from "../environment/disk-template.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import type { MachineFolders, MachineShape } from "./machine-files.js";

export interface Template {
  /** Changes with everything that the saved machine depends on. */
  readonly key: string;
  /** Tells one that was made anew, under the same key, from the one before. */
  readonly stateSha256: string;
  readonly memoryPath: string;
  readonly statePath: string;
  /** Raw disk as the saved machine has it mounted; each machine lays its own over it. */
  readonly diskPath: string;
  /** Its own name for the environment's image: whoever asked for the template may be gone, with theirs. */
  readonly basePath: string;
}

/** Where a template's parts are. */
export type TemplateFiles = Omit<Template, "key" | "stateSha256">;

export interface TemplateSubject extends MachineShape {
  readonly environment: InstalledEnvironment;
}

/** Boots, warms and saves a machine: leaves its memory, its devices' state and its disk at these paths. */
export type TemplateBuilder = (subject: TemplateSubject, target: TemplateFiles, task: Task) => Promise<void>;

export interface TemplateStore {
  /** The template, whole, or undefined. Cheap. */
  find(subject: TemplateSubject): Promise<Template | undefined>;
  /** The same, built where it is missing; several callers and several daemons share one build. */
  ensure(subject: TemplateSubject, task: Task): Promise<Template>;
  /** Removes one that did not work; machines that run from it keep running. */
  discard(template: Template): Promise<void>;
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
export type TemplateManifest = z.output<typeof manifestSchema>;

export const templateRoot = ({ cache }: Pick<MachineFolders, "cache">) => join(cache, "templates");

export function openTemplateStore(folders: MachineFolders, engine: Engine, build: TemplateBuilder): TemplateStore {
  const root = templateRoot(folders);
  const find = async (subject: TemplateSubject) => {
    const key = templateKey(engine, subject);
    const found = await readTemplate(root, key);
    if (found === undefined) return undefined;
    // The time of last use, by which the least used ones are removed.
    await utimes(join(root, key), new Date(), new Date()).catch(() => undefined);
    return { key, stateSha256: found.state_sha256, ...filesOf(join(root, key)) };
  };
  return {
    find,
    ensure: async (subject, task) => {
      const found = await find(subject);
      if (found !== undefined) return found;
      await mkdir(root, { recursive: true, mode: 0o700 });
      const key = templateKey(engine, subject);
      await using _lock = await lockFile(join(root, `${key}.lock`), task.signal);
      return (await find(subject)) ?? (await buildInto(root, { key, subject, engine, build }, task));
    },
    discard: async ({ key }) => {
      await rm(join(root, key), { recursive: true, force: true });
    },
  };
}

export function templateKey(engine: Engine, { environment, vcpuCount, memMib }: TemplateSubject): string {
  const parts = [3, engine.name, engine.fingerprint, environment.imageDigest, vcpuCount, memMib];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function filesOf(folder: string): TemplateFiles {
  return {
    memoryPath: join(folder, "memory"),
    statePath: join(folder, "state"),
    diskPath: join(folder, "disk"),
    basePath: join(folder, "base"),
  };
}

/** What a template says of itself; undefined when it is missing or not whole. */
export async function readTemplate(root: string, key: string): Promise<TemplateManifest | undefined> {
  const folder = join(root, key);
  const files = filesOf(folder);
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, "template.json"), "utf8")));
    const [memory, disk] = await Promise.all([stat(files.memoryPath), stat(files.diskPath), stat(files.basePath)]);
    const state = await sha256Of(files.statePath);
    const whole = memory.size === manifest.memory_bytes && disk.size === diskBytes && state === manifest.state_sha256;
    return whole ? manifest : undefined;
  } catch {
    // Missing, half-written or garbled is all the same: it is built again.
    return undefined;
  }
}

interface Build {
  readonly key: string;
  readonly subject: TemplateSubject;
  readonly engine: Engine;
  readonly build: TemplateBuilder;
}

/** Builds beside its place and renames: nobody sees half a template. The caller holds the key's lock. */
async function buildInto(root: string, { key, subject, engine, build }: Build, task: Task): Promise<Template> {
  const draft = join(root, `${key}.new`);
  const folder = join(root, key);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  let stateSha256: string;
  try {
    const files = filesOf(draft);
    await build(subject, files, task);
    await keepFile(subject.environment.imagePath, files.basePath);
    stateSha256 = await sha256Of(files.statePath);
    await writeJsonAtomic(join(draft, "template.json"), {
      format: 1,
      memory_bytes: (await stat(files.memoryPath)).size,
      state_sha256: stateSha256,
      environment: subject.environment.name,
      image_digest: subject.environment.imageDigest,
      engine_fingerprint: engine.fingerprint,
      vcpu_count: subject.vcpuCount,
      mem_mib: subject.memMib,
    } satisfies TemplateManifest);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  await syncFolder(root);
  await removeReplaced(root, key, subject);
  return { key, stateSha256, ...filesOf(folder) };
}

/** Those of the same environment and shape under another key: of an older image, engine or host. Machines that run from one keep its files open. */
async function removeReplaced(
  root: string,
  key: string,
  { environment, vcpuCount, memMib }: TemplateSubject,
): Promise<void> {
  const others = (await readdir(root)).filter((name) => /^[0-9a-f]{32}$/u.test(name) && name !== key);
  for (const other of others) {
    const found = await readTemplate(root, other);
    const same = found?.environment === environment.name && found.vcpu_count === vcpuCount && found.mem_mib === memMib;
    if (same) await rm(join(root, other), { recursive: true, force: true });
  }
}

async function sha256Of(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
