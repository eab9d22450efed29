// Owns what checking a patch asks of /workspace, answered through the guest. Never writes.
import { PyroError } from "../base/error.js";
import { FileKind, FileRoot } from "../machine/gen/pyro/guest/v1/files_pb.js";
import type { GuestSession } from "../machine/guest-session.js";
import { collect } from "./files.js";
import { asFileError } from "../machine/guest-errors.js";
import { maxTreeEntries, openGuestFile } from "./guest-tree.js";
import type { CurrentEntry, PatchFiles } from "./patch/patch-files.js";

/** Bytes of one file that a patch may touch. */
const maxFileBytes = 64 * 1024 * 1024;

const kinds: Readonly<Record<number, CurrentEntry["kind"]>> = {
  [FileKind.REGULAR]: "file",
  [FileKind.DIRECTORY]: "directory",
  [FileKind.SYMLINK]: "symlink",
};

export function patchFiles(session: GuestSession, signal: AbortSignal): PatchFiles {
  return {
    lookup: async (path) => {
      const slash = path.lastIndexOf(0x2f);
      const folder = slash === -1 ? Buffer.alloc(0) : path.subarray(0, slash);
      for await (const entry of entries(session, { folder, recursive: false }, signal)) {
        if (!Buffer.from(entry.path).equals(path)) continue;
        return {
          kind: kinds[entry.kind] ?? "other",
          mode: entry.mode & 0o7777,
          size: Number(entry.size),
          ...(entry.kind === FileKind.SYMLINK ? { linkTarget: entry.linkTarget } : {}),
        };
      }
      return undefined;
    },
    read: async (path) => {
      const opened = await openGuestFile(session, { root: FileRoot.WORKSPACE, path }, signal);
      if (opened.size > maxFileBytes) {
        throw new PyroError("resource_exhausted", `${path.toString("utf8")} is too large to patch.`);
      }
      return collect(opened.chunks, maxFileBytes);
    },
    entriesOf: async (folder) => {
      const found: Buffer[] = [];
      for await (const entry of entries(session, { folder, recursive: false }, signal))
        found.push(Buffer.from(entry.path));
      return found;
    },
    filesBelow: async (folder) => {
      const found: Buffer[] = [];
      for await (const entry of entries(session, { folder, recursive: true }, signal)) {
        if (entry.kind !== FileKind.DIRECTORY) found.push(Buffer.from(entry.path));
      }
      return found;
    },
  };
}

interface Listing {
  readonly folder: Buffer;
  readonly recursive: boolean;
}

async function* entries(session: GuestSession, { folder, recursive }: Listing, signal: AbortSignal) {
  const path = Uint8Array.from(folder);
  const request = { root: FileRoot.WORKSPACE, path, recursive, maxEntries: maxTreeEntries };
  try {
    for await (const answer of session.files.listFiles(request, { signal, timeoutMs: 0 })) yield* answer.entries;
  } catch (error) {
    const known = asFileError(error, folder.toString("utf8"));
    // No such folder holds no such file either.
    if (known instanceof PyroError && ["not_found", "failed_precondition"].includes(known.code)) return;
    throw known;
  }
}
