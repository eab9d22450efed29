// Owns opening what a caller named as the source of files: a folder or an archive, and nothing that would make a reader wait. Never lists it.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { PyroError, hasErrno } from "../../base/error.js";
import { descriptorPath, openWithin, type HostPathJudge, type OpenedPath } from "../../base/host-roots.js";

/** A folder or a regular file; else `missing` or `invalid_argument`, and `permission_denied` for what lies elsewhere. */
export async function openSource(
  path: string,
  judge: HostPathJudge,
  missing: "not_found" | "invalid_argument",
): Promise<OpenedPath> {
  const { field } = judge;
  let opened: OpenedPath;
  try {
    opened = await openWithin(path, judge);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"].some((code) => hasErrno(error, code))) {
      throw new PyroError(missing, `${field}: ${path} does not exist.`, {
        hint: "Check the path on the host.",
        cause: error,
      });
    }
    throw hasErrno(error, "EACCES") ? unreadable(path, field, error) : error;
  }
  try {
    if (opened.kind === "other") {
      throw new PyroError("invalid_argument", `${field}: ${path} is ${await kindOf(opened)}, not a file or folder.`, {
        hint: "Name a folder or a regular file; write what it yields to a file first.",
      });
    }
    const wanted = opened.kind === "directory" ? constants.R_OK | constants.X_OK : constants.R_OK;
    await access(descriptorPath(opened), wanted).catch((error: unknown) => {
      throw unreadable(path, field, error);
    });
    return opened;
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function kindOf({ handle }: OpenedPath): Promise<string> {
  const stat = await handle.stat();
  if (stat.isFIFO()) return "a named pipe (FIFO)";
  return stat.isSocket() ? "a socket" : "a device";
}

function unreadable(path: string, field: string, cause: unknown): PyroError {
  return new PyroError("permission_denied", `${field}: ${path} may not be read by this user.`, {
    hint: "Give this user the right to read it, or name another path.",
    cause,
  });
}
