// Owns what checking a patch asks of /workspace, answered through the guest. Never writes.
import { PyroError } from "../../base/error.js";
import { FileKind, FileRoot } from "../../guest/gen/pyro/guest/v1/files_pb.js";
import type { GuestSession } from "../../guest/session.js";
import { collect } from "./single.js";
import { asFileError, isAnswer } from "../../guest/errors.js";
import { maxTreeEntries } from "../../guest/allowance.js";
import { FolderEntries } from "./folder-entries.js";
import { openGuestFile } from "./guest-tree.js";
import type { CurrentEntry, PatchFiles } from "../../tree/patch/patch-files.js";

/** Bytes of one file that a patch may touch. */
const maxFileBytes = 64 * 1024 * 1024;
/** Entries that are looked at for one patch. */
const maxListedEntries = 20_000_000;

const kinds: Readonly<Record<number, CurrentEntry["kind"]>> = {
  [FileKind.REGULAR]: "file",
  [FileKind.DIRECTORY]: "directory",
  [FileKind.SYMLINK]: "symlink",
};

export function patchFiles(session: GuestSession, signal: AbortSignal): PatchFiles {
  // One patch may name thousands of paths, and the guest answer each with a list of its own.
  let left = maxListedEntries;
  let keepable = maxTreeEntries;
  const known = new FolderEntries();
  const entries = async function* (listing: Listing) {
    for await (const entry of listed(session, listing, signal)) {
      left -= 1;
      if (left < 0) throw tooManyFiles();
      yield entry;
    }
  };
  return {
    lookup: async (path) => {
      const slash = path.lastIndexOf(0x2f);
      const folder = slash === -1 ? Buffer.alloc(0) : path.subarray(0, slash);
      return known.find(path, folder, async function* () {
        for await (const entry of entries({ folder, recursive: false })) {
          yield {
            path: Buffer.from(entry.path),
            kind: kinds[entry.kind] ?? "other",
            mode: entry.mode & 0o7777,
            size: Number(entry.size),
            ...(entry.kind === FileKind.SYMLINK ? { linkTarget: entry.linkTarget } : {}),
          };
        }
      });
    },
    read: async (path) => {
      const unread = new AbortController();
      const until = AbortSignal.any([signal, unread.signal]);
      try {
        const opened = await openGuestFile(session, { root: FileRoot.WORKSPACE, path }, until);
        if (opened.size <= maxFileBytes) return await collect(opened.chunks, maxFileBytes);
      } finally {
        unread.abort();
      }
      throw new PyroError("resource_exhausted", `${path.toString("utf8")} is too large to patch.`);
    },
    entriesOf: async (folder) => {
      const found: Buffer[] = [];
      for await (const entry of entries({ folder, recursive: false })) {
        keepable -= 1;
        if (keepable < 0) throw tooManyFiles();
        found.push(Buffer.from(entry.path));
      }
      return found;
    },
    filesBelow: async (folder) => {
      const found: Buffer[] = [];
      for await (const entry of entries({ folder, recursive: true })) {
        if (entry.kind === FileKind.DIRECTORY) continue;
        keepable -= 1;
        if (keepable < 0) throw tooManyFiles();
        found.push(Buffer.from(entry.path));
      }
      return found;
    },
  };
}

interface Listing {
  readonly folder: Buffer;
  readonly recursive: boolean;
}

function tooManyFiles(): PyroError {
  return new PyroError("resource_exhausted", "The folders that the patch touches hold too many files.", {
    hint: "Apply it in parts, or inside with `git apply`.",
  });
}

async function* listed(session: GuestSession, { folder, recursive }: Listing, signal: AbortSignal) {
  const path = Uint8Array.from(folder);
  const request = { root: FileRoot.WORKSPACE, path, recursive, maxEntries: maxTreeEntries };
  try {
    for await (const answer of session.files.listFiles(request, { signal })) yield* answer.entries;
  } catch (error) {
    const known = asFileError(error, folder.toString("utf8"));
    // No such folder holds no such file either; what our own side throws is no such answer.
    if (isAnswer(error) && known instanceof PyroError && ["not_found", "failed_precondition"].includes(known.code))
      return;
    throw known;
  }
}
