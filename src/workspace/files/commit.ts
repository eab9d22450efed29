// Owns putting files into /workspace all at once: staged as one archive, then committed. Never chooses which.
import { randomUUID } from "node:crypto";
import { crashPoint } from "../../base/crash-point.js";
import type { KeptInFile } from "../../base/spool.js";
import type { GuestSession } from "../../guest/session.js";
import { asFileError } from "../../guest/errors.js";
import { paddingOf } from "../../tree/tar/entry.js";
import { encodeHeader, endMark } from "../../tree/tar/writer.js";

/** Paths are relative to the destination, one character per byte (latin1). */
export interface FileToPut {
  readonly path: string;
  /** The bytes of a file, or where a symbolic link points. */
  readonly content: Uint8Array | KeptInFile | { readonly linkTarget: string };
  /** Permission bits. */
  readonly mode: number;
}

export interface ChangeSet {
  /** Relative to /workspace; empty = /workspace itself. */
  readonly destination: Uint8Array;
  /** A tar stream of what to put there. */
  readonly archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Removed first. */
  readonly remove: readonly Uint8Array[];
}

export interface Staged {
  readonly fileCount: number;
  readonly byteCount: number;
}

export const maxPieceBytes = 256 * 1024;
/** For as much as a disk holds, from a source that may be slow. */
export const stageBound = { quietMs: 120_000, totalMs: 30 * 60_000 } as const;
/** Moving what is on the disk already. */
const commitBound = { totalMs: 10 * 60_000 } as const;

/** All of it or nothing, also when the machine dies on the way. The caller holds the workspace's lock exclusively. */
export async function commitChanges(session: GuestSession, changes: ChangeSet, signal: AbortSignal): Promise<Staged> {
  const stageId = randomUUID();
  try {
    const { fileCount, byteCount } = await session.files.stage(pieces(stageId, changes.archive), {
      signal,
      bound: stageBound,
    });
    signal.throwIfAborted();
    crashPoint("changes staged");
    // From here on it is done to its end, whatever the caller does: a stop waits for it, a reset or delete ends its machine.
    await session.files.commit(
      {
        stageId,
        destination: Uint8Array.from(changes.destination),
        remove: changes.remove.map((path) => Uint8Array.from(path)),
      },
      { bound: commitBound },
    );
    crashPoint("changes committed");
    return { fileCount: Number(fileCount), byteCount: Number(byteCount) };
  } catch (error) {
    throw asFileError(error, "/workspace");
  }
}

async function* pieces(stageId: string, archive: ChangeSet["archive"]) {
  yield { stageId, data: new Uint8Array() };
  for await (const chunk of archive) {
    for (let at = 0; at < chunk.length; at += maxPieceBytes) {
      yield { stageId: "", data: Uint8Array.from(chunk.subarray(at, at + maxPieceBytes)) };
    }
  }
}

/** An archive of these files; folders on the way are made by the guest. */
export async function* archiveOf(files: readonly FileToPut[], mtimeSeconds: number): AsyncGenerator<Uint8Array> {
  for (const { path, content, mode } of files) {
    if ("linkTarget" in content) {
      yield encodeHeader({ path, kind: "symlink", mode, size: 0, mtime: mtimeSeconds, target: content.linkTarget });
      continue;
    }
    yield encodeHeader({ path, kind: "file", mode, size: content.length, mtime: mtimeSeconds, target: "" });
    if (content instanceof Uint8Array) yield content;
    else yield* content.chunks();
    yield Buffer.alloc(paddingOf(content.length));
  }
  yield endMark;
}
