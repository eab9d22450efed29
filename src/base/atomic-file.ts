// Owns writing a file so that it is either the old or the new one, also after a crash. Never interprets content.
import { randomBytes } from "node:crypto";
import { lstat, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { crashPoint } from "./crash-point.js";

/** Who may use a file, and whose it is. */
export interface FileOwnership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Replaces `path` by `content`: temporary file beside it, fsync, rename, fsync of the folder. For this user alone unless told. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  ownership?: FileOwnership,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await using file = await open(temporary, "wx", 0o600);
    await file.writeFile(content);
    if (ownership !== undefined) {
      const { uid, gid } = await file.stat();
      if (uid !== ownership.uid || gid !== ownership.gid) await file.chown(ownership.uid, ownership.gid);
      await file.chmod(ownership.mode & 0o7777);
    }
    await file.sync();
    crashPoint("file drafted", basename(path));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The same for what need not survive a power cut: readers find the old or the new one, nothing waits for the disk. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, content, { flag: "wx", mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    // Also where the disk is full.
    await rm(temporary, { force: true });
    throw error;
  }
}

/** What a process that died has left of replacing a file: its name, and a random part. */
const draftName = /^(.+)\.[0-9a-f]{12}\.tmp$/u;

export interface OldDrafts {
  /** Milliseconds for which nobody has touched them. */
  readonly olderThanMs: number;
  /** Of the file of this name alone. */
  readonly of?: string;
}

/** Removes the drafts of dead processes in this folder. */
export async function removeDrafts(folder: string, { olderThanMs, of }: OldDrafts): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const draftOf = draftName.exec(name)?.[1];
    if (draftOf === undefined || (of !== undefined && of !== draftOf)) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() === true && Date.now() - found.mtimeMs >= olderThanMs) await rm(path, { force: true });
  }
}

/** Makes a rename inside this folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}

/** Writes `value` as JSON, atomically. */
export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
