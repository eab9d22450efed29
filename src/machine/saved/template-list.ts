// Owns looking over the saved machines of a cache, whole and broken ones. Never makes or uses one.
import { join } from "node:path";
import { allocatedBytes } from "../../disk/inspect.js";
import {
  entries,
  isOfNewerPyro,
  listGenerations,
  readTemplate,
  removeGeneration,
  removeLeftovers,
  templateRoot,
  type TemplateManifest,
} from "./template-folders.js";

export interface ListedTemplate {
  /** Bytes that it takes on the disk; its files are larger, with holes. */
  readonly bytes: number;
  /** Undefined when it is not whole: nothing uses it, and it is built again when it is wanted. */
  readonly manifest: TemplateManifest | undefined;
}

/** Those of a newer pyro are not ours to judge. */
export async function listTemplates(cache: string): Promise<readonly ListedTemplate[]> {
  const root = templateRoot({ cache });
  const generations = await listGenerations(root);
  const newer = await Promise.all(generations.map((generation) => isOfNewerPyro(root, generation)));
  return Promise.all(
    generations
      .filter((_, at) => newer[at] !== true)
      .map(async (generation) => ({
        bytes: await bytesIn(join(root, generation)),
        manifest: await readTemplate(root, generation),
      })),
  );
}

/** Removes those that are not whole, and what is left of others; returns the names of the folders that went. */
export async function removeBrokenTemplates(cache: string, signal: AbortSignal): Promise<readonly string[]> {
  const root = templateRoot({ cache });
  const removed = [...(await removeLeftovers(root, signal))];
  for (const generation of await listGenerations(root)) {
    if ((await readTemplate(root, generation)) !== undefined || (await isOfNewerPyro(root, generation))) continue;
    await removeGeneration(root, generation);
    removed.push(generation);
  }
  return removed;
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = (await entries(folder)).map((name) => allocatedBytes(join(folder, name)));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
