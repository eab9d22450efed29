// Owns the preformatted file system that every machine's disk starts from. Never writes to it again.
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../base/atomic-file.js";
import { hasErrno } from "../base/error.js";
import type { Task } from "../base/progress.js";
import { runProgram } from "../base/spawn.js";
import { findProgram, systemPath } from "../base/host-program.js";

/** Bytes that a guest sees of its disk; the file is sparse and takes about 5 MB. */
export const diskBytes = 20 * 1024 ** 3;

// A sparse file reads as zeros, so nothing has to be zeroed, here or by the guest at its first mount.
const extended = [
  "lazy_itable_init=0",
  "lazy_journal_init=0",
  "assume_storage_prezeroed=1",
  "hash_seed=6f8f4a3c-5d0e-4a57-9d0c-2b1f3c7e9a10",
];
const formatArgs = ["-t", "ext4", "-q", "-F", "-m", "0", "-L", "pyro-disk", "-E", extended.join(",")];
const identity = ["-U", "0f3f1d2e-7a64-4a0b-8c55-1c9e6d5b7a21"];

/** Path of the one in `folder`, made when it is not there. Several callers at once end with the same content. */
export async function formattedDisk(folder: string, task: Task): Promise<string> {
  const args = [...formatArgs, ...identity];
  const key = createHash("sha256")
    .update(JSON.stringify([diskBytes, args]))
    .digest("hex")
    .slice(0, 16);
  const path = join(folder, `disk-${key}.ext4`);
  if (await isWhole(path)) return path;
  task.progress({ phase: "disk", message: "Formatting a disk (once)" });
  await mkdir(folder, { recursive: true });
  await removeDrafts(folder, `disk-${key}.ext4.`);
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await format(draft, args, task.signal);
    await chmod(draft, 0o400);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(folder);
  return path;
}

/** Another one at `path`, which must not exist; it may be written to. */
export async function formatDisk(path: string, signal: AbortSignal): Promise<void> {
  await format(path, [...formatArgs, ...identity], signal);
}

async function format(path: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const program = await findProgram("mkfs.ext4");
  await using file = await open(path, "wx", 0o600);
  await file.truncate(diskBytes);
  // The fake time keeps two disks of the same parameters equal byte by byte.
  const env = { PATH: systemPath, LC_ALL: "C", E2FSPROGS_FAKE_TIME: "1700000000" };
  await runProgram(program, [...args, path], { signal, env, timeoutMs: 60_000 });
  await file.sync();
}

async function isWhole(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size === diskBytes && found.blocks > 0;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/**
 * What a killed formatter left: it takes milliseconds, so anything older than a minute is not being written. By the time of
 * day, since only that stands in a file; a clock that is set in that very moment costs one formatting more.
 */
async function removeDrafts(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(".tmp")) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > 60_000) await rm(join(folder, name), { force: true });
  }
}
