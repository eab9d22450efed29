// Owns removing a folder of ours with all that programs left in it. Never follows a link out of it.
import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "./error.js";

/** Fine when it is not there. Folders that their owner may not write to, which hold up `rm`, are opened first. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasErrno(error, "EACCES") && !hasErrno(error, "EPERM") && !hasErrno(error, "ENOTEMPTY")) throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Best effort: what cannot be opened is named by the removal that follows. */
async function openFolders(path: string): Promise<void> {
  try {
    await chmod(path, 0o700);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await openFolders(join(path, entry.name));
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}
