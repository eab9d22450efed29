// Owns reading one file of the host for a workspace, which stays the same one while it is open. Never decides which may be named.
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { PyroError } from "../../base/error.js";
import { descriptorPath } from "../../base/host-roots.js";
import type { Task } from "../../base/progress.js";
import { byteProgress } from "./byte-progress.js";
import { archiveName } from "./read-archive.js";
import type { HostFile, HostSource } from "./request.js";
import { openSource } from "./seed-source.js";

const pieceBytes = 256 * 1024;

/** Undefined for a folder, and unless it is wanted as it is, for what is an archive by its name. */
export async function openHostFile(
  { path, allowedRoots, asItIs = false }: HostSource & { readonly asItIs?: boolean },
  task: Task,
): Promise<HostFile | undefined> {
  if (!asItIs && archiveName.test(path)) return undefined;
  await using source = await openSource(path, { roots: allowedRoots, field: "source_path" }, "not_found");
  if (source.kind !== "file") return undefined;
  // What was judged, whatever has its name by now.
  const file = await open(descriptorPath(source), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size, mode, mtimeMs } = await file.stat();
    return {
      name: basename(path),
      size,
      mode: mode & 0o777,
      mtimeSeconds: Math.floor(mtimeMs / 1000),
      content: pieces(file, task),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* pieces(file: FileHandle, { progress, signal }: Task): AsyncGenerator<Uint8Array> {
  const onBytes = byteProgress(progress, "Reading the file");
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes).catch(asReadError);
    if (bytesRead === 0) return;
    onBytes(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

function asReadError(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new PyroError("unavailable", `The file could not be read: ${why}`, { cause: error });
}
