// Owns giving a shared, immutable file a second name. Never changes its content.
import { constants } from "node:fs";
import { copyFile, link, rm } from "node:fs/promises";
import { hasErrno } from "./error.js";

/** A hard link where both lie on one file system, else a copy: no cleaning of a cache can take it away. */
export async function keepFile(shared: string, own: string): Promise<void> {
  await rm(own, { force: true });
  try {
    await link(shared, own);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK"].some((code) => hasErrno(error, code))) throw error;
    try {
      await copyFile(shared, own, constants.COPYFILE_FICLONE);
    } catch (failure) {
      await rm(own, { force: true });
      throw failure;
    }
  }
}
