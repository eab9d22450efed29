// Owns the image that is in a machine's seed drive while it has no seed. Never holds a file.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findProgram, systemPath } from "../base/host-program.js";
import type { Task } from "../base/progress.js";
import { runProgram } from "../base/spawn.js";

/** A guest keeps the capacity that a drive had at boot, so this is as large as any seed that may follow; sparse. */
const bytes = 64 * 1024 ** 3;

/** Path of an empty squashfs, which can be mounted: code that mounts seeds can be run before there is one. */
export async function emptySeed(cache: string, task: Pick<Task, "signal">): Promise<string> {
  const path = join(cache, "empty-seed.squashfs");
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size !== bytes) await make(path, task.signal);
  return path;
}

async function make(path: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const env = { PATH: systemPath, SOURCE_DATE_EPOCH: "0" };
    // Two blocks of zeros are a tar archive with nothing in it.
    const input = "\0".repeat(1024);
    await runProgram(await findProgram("sqfstar"), ["-root-mode", "755", draft], {
      signal,
      env,
      input,
      timeoutMs: 30_000,
    });
    await truncate(draft, bytes);
    await chmod(draft, 0o400);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
