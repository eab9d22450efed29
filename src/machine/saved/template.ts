// Owns saved machines: one per environment, shape and host, from which all others are restored. Never runs a user's program.
import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { crashPoint } from "../../base/crash-point.js";
import { syncFolder, writeJsonAtomic } from "../../base/atomic-file.js";
import { lockFile } from "../../base/lock.js";
import { keepFile } from "../../base/keep-file.js";
import { report } from "../../base/report.js";
import type { Task } from "../../base/progress.js";
import type { Engine } from "../../engine/engine.js";
import { fingerprintChanges, isSameAccelerator } from "../../engine/fingerprint.js";
import type { InstalledEnvironment } from "../../environment/environment.js";
import { guestFiles } from "../../guest/environment.js";
import type { MachineFolders, MachineShape } from "../machine-files.js";
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
  type SavedMachine,
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
    discard: ({ generation }) => {
      report("template discarded", { generation });
      return removeGeneration(root, generation);
    },
  };
}

export function templateKey(engine: Engine, { environment, vcpuCount, memMib }: TemplateSubject): string {
  // Written into its root before it is saved.
  const files = guestFiles(environment).map(({ path, content, mode }) => [path, Buffer.from(content).toString(), mode]);
  const parts = [4, engine.name, engine.fingerprint, environment.imageDigest, vcpuCount, memMib, files];
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
  const why = await whyAnew(root, { ...subject, engine });
  task.progress({
    phase: "template",
    message: `Preparing ${subject.environment.name} for instant starts (once)${why}`,
  });
  const began = performance.now();
  await clearKey(root, key);
  const generation = newGeneration(key);
  const draft = draftOf(root, generation);
  await mkdir(draft, { mode: 0o700 });
  crashPoint("template begun");
  try {
    const files = filesOf(draft);
    await build(subject, files, task);
    await keepFile(subject.environment.imagePath, files.basePath);
    crashPoint("template filled");
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
    crashPoint("template recorded");
    await rename(draft, join(root, generation));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  await syncFolder(root);
  crashPoint("template placed");
  const about = { environment: subject.environment.name, accelerator: engine.accelerator, generation };
  report("template made", {
    ...about,
    why: why === "" ? "there was none" : why.slice(2),
    ms: Math.round(performance.now() - began),
  });
  await removeReplaced(root, generation, { ...subject, engine });
  return templateAt(root, key, generation);
}

type SubjectOnEngine = TemplateSubject & { readonly engine: Engine };

/** What has changed since the last one was saved, where there is one: the end of a sentence. */
async function whyAnew(root: string, subject: SubjectOnEngine): Promise<string> {
  const [last] = await replaceable(root, subject);
  if (last === undefined) return "";
  const image = last.manifest.image_digest === subject.environment.imageDigest ? [] : ["the environment's image"];
  const changes = [...image, ...fingerprintChanges(last.manifest.engine_fingerprint, subject.engine.fingerprint)];
  return changes.length === 0 ? "" : `: ${changes.join(" and ")} changed since the last was saved`;
}

/**
 * All of the same environment, shape and accelerator: of an older image or host. One of another accelerator stays for the
 * time when that is used again.
 */
async function replaceable(
  root: string,
  { environment, vcpuCount, memMib, engine }: SubjectOnEngine,
): Promise<readonly SavedMachine[]> {
  const found = await Promise.all(
    (await listGenerations(root)).map(async (generation) => ({
      generation,
      manifest: await readTemplate(root, generation),
    })),
  );
  return found.flatMap(({ generation, manifest }) => {
    const same =
      manifest?.environment === environment.name && manifest.vcpu_count === vcpuCount && manifest.mem_mib === memMib;
    const replaced = same && isSameAccelerator(manifest.engine_fingerprint, engine.fingerprint);
    return replaced ? [{ generation, manifest }] : [];
  });
}

/** Machines that run from one keep its files open. */
async function removeReplaced(root: string, generation: string, subject: SubjectOnEngine): Promise<void> {
  const others = (await replaceable(root, subject)).filter((each) => each.generation !== generation);
  for (const other of others) await removeGeneration(root, other.generation);
}
