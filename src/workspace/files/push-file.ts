// Owns where one host file goes in a workspace, as `cp` has it. Never opens it.
import { FileRoot } from "../../guest/gen/pyro/guest/v1/files_pb.js";
import { asFileError } from "../../guest/errors.js";
import type { GuestSession } from "../../guest/session.js";
import { PyroError } from "../../base/error.js";
import type { HostFile } from "../../tree/seed/request.js";
import { shownPath } from "./guest-path.js";
import { putFile } from "./put-file.js";

export interface FilePush {
  readonly file: HostFile;
  /** Below /workspace: the file's own name there, or a folder to put it in. */
  readonly dest: Uint8Array;
  /** It was named as a folder is, with a slash at its end. */
  readonly isFolder: boolean;
  /** Of a name in a folder; refuses one that no push may have. */
  readonly nameIn: (folder: Uint8Array, name: string) => Uint8Array;
}

export async function pushFile(session: GuestSession, push: FilePush, signal: AbortSignal) {
  const { file, dest, isFolder, nameIn } = push;
  const isInto = isFolder || dest.length === 0 || (await isGuestFolder(session, dest, signal));
  const path = isInto ? nameIn(dest, file.name) : dest;
  const put = await putFile(session, { ...file, path }, signal);
  return { fileCount: 1, byteCount: put.bytes, dest: shownPath(put.path), skipped: [] };
}

/** Also by a link that stays inside. */
async function isGuestFolder(session: GuestSession, path: Uint8Array, signal: AbortSignal): Promise<boolean> {
  const question = { root: FileRoot.WORKSPACE, path: Uint8Array.from(path), recursive: false, maxEntries: 1 };
  try {
    for await (const _ of session.files.listFiles(question, { signal }));
    return true;
  } catch (error) {
    const known = asFileError(error, shownPath(path));
    if (known instanceof PyroError && ["not_found", "failed_precondition"].includes(known.code)) return false;
    throw known;
  }
}
