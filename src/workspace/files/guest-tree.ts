// Owns reading /workspace and its seed through the guest, each answer checked. Never writes.
import { guestFault } from "../../base/guest-fault.js";
import { maxTreeEntries } from "../../guest/allowance.js";
import { asFileError, isUnknownCall } from "../../guest/errors.js";
import { FileKind, FileRoot, type FileEntry } from "../../guest/gen/pyro/guest/v1/files_pb.js";
import type { GuestSession } from "../../guest/session.js";
import type {
  ChangeSource,
  OpenedFile,
  SmallContent,
  SmallFile,
  TouchedEntry,
  TouchedKind,
} from "../../tree/diff/source.js";
import { shownPath } from "./guest-path.js";

/** Bytes of a file that comes together with others. */
const maxSmallBytes = 64 * 1024;

const touchedKinds: Readonly<Record<number, TouchedKind>> = {
  [FileKind.REGULAR]: "file",
  [FileKind.DIRECTORY]: "directory",
  [FileKind.SYMLINK]: "symlink",
  [FileKind.SOCKET]: "socket",
  [FileKind.FIFO]: "fifo",
  [FileKind.DEVICE]: "device",
  [FileKind.WHITEOUT]: "whiteout",
};

/** What a diff asks of the guest. */
export function guestChanges(session: GuestSession): ChangeSource {
  return {
    touched: (signal) => touched(session, signal),
    statNew: async (path, signal) => {
      const opened = await openGuestFile(session, { root: FileRoot.WORKSPACE, path, maxBytes: 1 }, signal);
      for await (const _ of opened.chunks);
      return { mode: opened.mode, size: opened.size };
    },
    openNew: (path, signal) => openGuestFile(session, { root: FileRoot.WORKSPACE, path }, signal),
    openOld: (path, signal) => openGuestFile(session, { root: FileRoot.SEED, path }, signal),
    readSmall: (files, signal) => readSmall(session, files, signal),
  };
}

async function* touched(session: GuestSession, signal: AbortSignal): AsyncGenerator<TouchedEntry> {
  const request = { exclude: [Uint8Array.from(Buffer.from(".git"))], maxEntries: maxTreeEntries };
  try {
    for await (const { entries } of session.files.listChanges(request, { signal })) {
      for (const entry of entries) yield toTouched(entry);
    }
  } catch (error) {
    throw asFileError(error, "/workspace");
  }
}

function toTouched(entry: FileEntry): TouchedEntry {
  const kind = touchedKinds[entry.kind];
  if (kind === undefined) throw guestFault("The guest listed a file of an unknown kind.");
  const size = Number(entry.size);
  if (!Number.isSafeInteger(size)) throw guestFault("The guest listed a file of an impossible size.");
  return {
    path: entry.path,
    kind,
    mode: entry.mode & 0o7777,
    size,
    ...(entry.kind === FileKind.SYMLINK ? { linkTarget: entry.linkTarget } : {}),
    ...(entry.opaque ? { opaque: true } : {}),
    ...(entry.redirect === undefined ? {} : { redirect: entry.redirect }),
  };
}

/** Never fails for a file: whoever then opens it by itself learns why. */
async function readSmall(
  session: GuestSession,
  wanted: readonly SmallFile[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, SmallContent>> {
  const files = wanted.map(({ root, path }) => ({
    root: root === "seed" ? FileRoot.SEED : FileRoot.WORKSPACE,
    path: Uint8Array.from(path),
  }));
  const found = new Map<number, SmallContent>();
  try {
    for await (const message of session.files.readFiles({ files }, { signal })) {
      for (const { index, mode, data } of message.files) {
        if (index >= files.length || found.has(index) || data.length > maxSmallBytes) {
          throw guestFault("The guest answered with a file that it was not asked for.");
        }
        found.set(index, { mode: mode & 0o7777, data });
      }
    }
  } catch (error) {
    if (isUnknownCall(error)) return new Map();
    throw asFileError(error, "/workspace");
  }
  return found;
}

export interface GuestFile {
  readonly root: FileRoot;
  readonly path: Uint8Array;
  readonly offset?: number;
  readonly maxBytes?: number;
}

/** A regular file, opened: its size at that moment, then its bytes. */
export async function openGuestFile(session: GuestSession, file: GuestFile, signal: AbortSignal): Promise<OpenedFile> {
  const stream = session.files.readFile(
    {
      root: file.root,
      path: Uint8Array.from(file.path),
      offset: BigInt(file.offset ?? 0),
      maxBytes: BigInt(file.maxBytes ?? 0),
    },
    { signal },
  );
  const answers = stream[Symbol.asyncIterator]();
  const first = await answers.next().catch((error: unknown) => {
    throw asFileError(error, shownPath(file.path));
  });
  const entry = first.done === true ? undefined : first.value.entry;
  if (first.done === true || entry === undefined) {
    throw guestFault("The guest opened a file without saying what it is.");
  }
  const early = first.value.data;
  const rest = { [Symbol.asyncIterator]: () => answers };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      if (early.length > 0) yield early;
      for await (const { data } of rest) if (data.length > 0) yield data;
    } finally {
      // A reader that stops early must not leave the call open.
      await answers.return?.();
    }
  }
  return { mode: entry.mode & 0o7777, size: Number(entry.size), chunks: chunks() };
}
