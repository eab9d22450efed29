// Owns putting one file into /workspace, whole or not at all, whatever its agent can do. Never chooses which.
import { guestFault } from "../../base/guest-fault.js";
import { asFileError } from "../../guest/errors.js";
import type { GuestSession } from "../../guest/session.js";
import { paddingOf } from "../../tree/tar/entry.js";
import { encodeHeader, endMark } from "../../tree/tar/writer.js";
import { commitChanges, maxPieceBytes, stageBound } from "./commit.js";
import { shownPath } from "./guest-path.js";

export interface FilePut {
  /** Relative to /workspace, not empty. Links that stay inside are followed; folders on the way are made. */
  readonly path: Uint8Array;
  /** Permission bits of a file that is not there yet; one that is keeps its own. */
  readonly mode: number;
  /** Now, where there is none. */
  readonly mtimeSeconds?: number;
  /** Bytes; content beyond is cut off by an agent of an earlier version, which also pads what is missing. */
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface PutFile {
  /** Where it went. */
  readonly path: Uint8Array;
  readonly bytes: number;
}

const maxPathBytes = 4095;

/** The caller holds the workspace's lock exclusively. */
export async function putFile(session: GuestSession, file: FilePut, signal: AbortSignal): Promise<PutFile> {
  if (!session.abilities.writesFiles) return stageFile(session, file, signal);
  try {
    const { path, byteCount } = await session.files.writeFile(pieces(file), { signal, bound: stageBound });
    if (path.length === 0 || path.length > maxPathBytes) throw guestFault("The guest wrote to an impossible path.");
    return { path, bytes: Number(byteCount) };
  } catch (error) {
    throw asFileError(error, shownPath(file.path));
  }
}

async function* pieces({ path, mode, mtimeSeconds, content }: FilePut) {
  const none = new Uint8Array();
  const nothing = { path: none, mode: 0, data: none, end: false };
  const mtime = mtimeSeconds === undefined ? {} : { mtimeUnixNanos: BigInt(mtimeSeconds) * 1_000_000_000n };
  yield { ...nothing, path: Uint8Array.from(path), mode, ...mtime };
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; at += maxPieceBytes) {
      yield { ...nothing, data: Uint8Array.from(chunk.subarray(at, at + maxPieceBytes)) };
    }
  }
  yield { ...nothing, end: true };
}

/** Staged into its folder, so that links on the way there are followed as reads follow them; one in its place is replaced. */
async function stageFile(session: GuestSession, file: FilePut, signal: AbortSignal): Promise<PutFile> {
  const slash = file.path.lastIndexOf(0x2f);
  const destination = file.path.subarray(0, Math.max(0, slash));
  const name = Buffer.from(file.path.subarray(slash + 1)).toString("latin1");
  const archive = archiveOfOne(name, file);
  const { byteCount } = await commitChanges(session, { destination, archive, remove: [] }, signal);
  return { path: file.path, bytes: byteCount };
}

async function* archiveOfOne(path: string, { mode, size, mtimeSeconds, content }: FilePut) {
  const mtime = mtimeSeconds ?? Math.floor(Date.now() / 1000);
  yield encodeHeader({ path, kind: "file", mode, size, mtime, target: "" });
  let left = size;
  for await (const chunk of content) {
    if (left > 0) yield chunk.subarray(0, left);
    left = Math.max(0, left - chunk.length);
  }
  for (; left > 0; left -= Math.min(left, maxPieceBytes)) yield Buffer.alloc(Math.min(left, maxPieceBytes));
  yield Buffer.alloc(paddingOf(size));
  yield endMark;
}
