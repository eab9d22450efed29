// Owns reading a host file that content or a caller names: regular files only, bounded, never through a link, never waiting. Never decides which may be named.
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { PyroError } from "./error.js";

export interface ReadLimits {
  readonly maxBytes: number;
}

/** Linux; Node does not name it. */
const O_PATH = 0o10000000;

/**
 * The whole content. Throws a PyroError for what is no regular file, also for a symbolic link, and for what is too large;
 * the system's own error, such as ENOENT, where it cannot be opened.
 */
export async function readHostFile(path: string | Buffer, { maxBytes }: ReadLimits): Promise<Buffer> {
  // What stands there is looked at before it is opened: even an open without reading can wake a pipe's writer or a device.
  await using found = await open(path, O_PATH | constants.O_NOFOLLOW);
  const stat = await found.stat();
  const name = path.toString();
  if (!stat.isFile()) throw new PyroError("failed_precondition", `${name} is no regular file.`);
  if (stat.size > maxBytes) throw tooLarge(name, maxBytes);
  await using file = await open(`/proc/self/fd/${found.fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  return await readBounded(file, { name, maxBytes, expected: stat.size });
}

interface BoundedRead {
  readonly name: string;
  readonly maxBytes: number;
  /** As it was a moment ago; files of /proc say 0. */
  readonly expected: number;
}

async function readBounded(file: FileHandle, { name, maxBytes, expected }: BoundedRead): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const room = Math.max(Math.min(expected, maxBytes) - total + 1, 4096);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(room), 0, room);
    if (bytesRead === 0) return Buffer.concat(chunks);
    total += bytesRead;
    if (total > maxBytes) throw tooLarge(name, maxBytes);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

function tooLarge(name: string, maxBytes: number): PyroError {
  return new PyroError("resource_exhausted", `${name} is larger than ${maxBytes} bytes.`);
}
