// Owns removing a half-made root, whoever its files belong to. Never removes what another pull still writes.
import { rm } from "node:fs/promises";
import { hasErrno } from "../base/error.js";
import { runProgram } from "../base/spawn.js";
import { systemPath } from "../base/host-program.js";
import { asMappedRoot } from "./namespace.js";

/** Removes `path` and all below it, also files of the user's subordinate ids; fine when it is not there. */
export async function removeTree(path: string): Promise<void> {
  try {
    // A killed program may still be writing for a moment, hence the retries.
    await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  } catch (error) {
    if (!hasErrno(error, "EACCES") && !hasErrno(error, "EPERM") && !hasErrno(error, "ENOTEMPTY")) throw error;
    const [program = "", ...args] = await asMappedRoot(["rm", "-rf", "--one-file-system", "--", path]);
    // Its own signal: cleaning up is also due when the caller has gone.
    const signal = new AbortController().signal;
    await runProgram(program, args, { signal, env: { PATH: systemPath }, timeoutMs: 120_000 });
  }
}
