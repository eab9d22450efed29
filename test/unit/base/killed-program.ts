// Owns work on files that the environment can have die at a crash point, for the tests of what is left then. Never cleans up.
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PyroError } from "../../../src/base/error.js";
import { readConfigFile, replaceConfigFile } from "../../../src/chat-host/config-file.js";
import { diskBytes } from "../../../src/disk/formatted-disk.js";
import { unusableEngine } from "../../../src/engine/unusable.js";
import { openTemplateStore } from "../../../src/machine/saved/template.js";
import { openSeedCache } from "../../../src/tree/seed/seed-cache.js";

const [what = "", folder = ""] = process.argv.slice(2);
const task = { signal: new AbortController().signal, progress: () => undefined };

/** The digest of the seed of what lies in `tree`. */
async function seed(): Promise<string> {
  const cache = openSeedCache({ root: join(folder, "seeds"), clock: () => new Date() });
  return (await cache.seedFromDirectory(join(folder, "tree"), task)).digest;
}

/** Makes a template, where none is there, and one of a newer image in its place: how many were built. */
async function template(): Promise<string> {
  const folders = { state: join(folder, "state"), sockets: join(folder, "run"), cache: folder };
  const engine = unusableEngine(new PyroError("unavailable", "for the test"));
  let built = 0;
  const store = openTemplateStore(folders, engine, async (_subject, target) => {
    built += 1;
    for (const path of [target.memoryPath, target.statePath, target.diskPath]) await writeFile(path, "saved");
    await truncate(target.diskPath, diskBytes);
  });
  for (const imageDigest of ["sha256:0", "sha256:1"]) {
    const image = { imagePath: join(folder, "image"), imageDigest, imageBytes: 5 };
    const environment = { name: "debian:12", ...image, env: [], source: "mirror", installedAt: "2026-11-20T10:00:00Z" };
    await store.ensure({ environment, vcpuCount: 1, memMib: 512 }, task);
  }
  return String(built);
}

async function config(): Promise<string> {
  const place = { path: join(folder, "opencode.json") };
  await replaceConfigFile(place, await readConfigFile(place), "new");
  return "written";
}

const works: Readonly<Record<string, () => Promise<string>>> = { seed, template, config };
process.stdout.write((await works[what]?.()) ?? "unknown");
