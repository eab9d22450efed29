// Owns looking over the saved machines of a cache, whole and broken ones. Never makes or uses one.
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../base/error.js";
import { tryLockFile } from "../base/lock.js";
import { readTemplate, templateRoot, type TemplateManifest } from "./template.js";

export interface ListedTemplate {
  readonly key: string;
  /** Bytes that it takes on the disk; its files are larger, with holes. */
  readonly bytes: number;
  /** Undefined when it is not whole: nothing uses it, and it is built again when it is wanted. */
  readonly manifest: TemplateManifest | undefined;
}

const keyPattern = /^[0-9a-f]{32}$/u;
const blockBytes = 512;

export async function listTemplates(cache: string): Promise<readonly ListedTemplate[]> {
  const root = templateRoot({ cache });
  const keys = (await entries(root)).filter((name) => keyPattern.test(name));
  return Promise.all(
    keys.map(async (key) => ({
      key,
      bytes: await diskBytes(join(root, key)),
      manifest: await readTemplate(root, key),
    })),
  );
}

/** Removes those that are not whole, and drafts whose maker has died; returns the names of the folders that went. */
export async function removeBrokenTemplates(cache: string, signal: AbortSignal): Promise<readonly string[]> {
  const root = templateRoot({ cache });
  const removed: string[] = [];
  for (const name of await entries(root)) {
    const key = name.replace(/\.new$/u, "");
    if (!keyPattern.test(key)) continue;
    // Whoever builds one holds this lock.
    await using lock = await tryLockFile(join(root, `${key}.lock`), signal);
    if (lock === undefined) continue;
    if (name === key && (await readTemplate(root, key)) !== undefined) continue;
    await rm(join(root, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

async function diskBytes(folder: string): Promise<number> {
  const sizes = (await entries(folder)).map(async (name) => {
    const found = await lstat(join(folder, name)).catch(() => undefined);
    return (found?.blocks ?? 0) * blockBytes;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}
