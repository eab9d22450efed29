// Owns reading a host's config file and replacing it. Never writes over what changed meanwhile, never interprets content.
import { constants } from "node:fs";
import { lstat, mkdir, open, readlink, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { writeFileAtomic, type FileOwnership } from "../base/atomic-file.js";
import { PyroError, hasErrno } from "../base/error.js";

export interface ConfigFile {
  /** As the host names it. */
  readonly path: string;
  /** Without a byte order mark; empty when there is no file. */
  readonly text: string;
  readonly hasByteOrderMark: boolean;
  /** Undefined when there is no file. */
  readonly ownership: FileOwnership | undefined;
}

const maxBytes = 64 * 1024 * 1024;
const byteOrderMark = "\uFEFF";
/** As programs make files that others may read. */
const newFileMode = 0o644;

/** Throws `failed_precondition` for what is no text file that can be read. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  try {
    // Without O_NONBLOCK a named pipe would keep us here for ever, and no signal ends that.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) throw unreadable(path, "it is no file");
    if (stat.size > maxBytes) throw unreadable(path, `it has more than ${maxBytes} bytes`);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const whole = decoder.decode(await handle.readFile());
    const hasByteOrderMark = whole.startsWith(byteOrderMark);
    const { mode, uid, gid } = stat;
    return { path, text: hasByteOrderMark ? whole.slice(1) : whole, hasByteOrderMark, ownership: { mode, uid, gid } };
  } catch (error) {
    if (error instanceof PyroError) throw error;
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) {
      return { path, text: "", hasByteOrderMark: false, ownership: undefined };
    }
    const why = hasErrno(error, "ERR_ENCODING_INVALID_ENCODED_DATA") ? "it is not UTF-8 text" : messageOf(error);
    throw unreadable(path, why, error);
  }
}

/** Replaces the file that was read by the new text; a link stays one, and its target is replaced. */
export async function replaceConfigFile(read: ConfigFile, text: string): Promise<void> {
  const now = await readConfigFile(read.path);
  const changed = now.text !== read.text || (now.ownership === undefined) !== (read.ownership === undefined);
  if (changed) {
    throw new PyroError("failed_precondition", `${read.path} was changed by another program meanwhile.`, {
      hint: "Call again; nothing was written.",
    });
  }
  const target = await targetOf(read.path);
  try {
    await mkdir(dirname(target), { recursive: true });
    const content = `${read.hasByteOrderMark ? byteOrderMark : ""}${text}`;
    const { uid, gid } = now.ownership ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    const mode = now.ownership?.mode ?? newFileMode & ~process.umask();
    await writeFileAtomic(target, content, { mode, uid, gid });
  } catch (error) {
    throw new PyroError("permission_denied", `${target} cannot be written: ${messageOf(error)}`, {
      hint: "Make it writable, or put the entry in by hand: `pyro host print-config` shows it.",
      cause: error,
    });
  }
}

async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    const isLink = await lstat(path).then(
      (stat) => stat.isSymbolicLink(),
      () => false,
    );
    return isLink ? resolve(dirname(path), await readlink(path)) : path;
  }
}

function unreadable(path: string, why: string, cause?: unknown): PyroError {
  return new PyroError("failed_precondition", `${path} cannot be read: ${why}.`, {
    hint: "Correct the file; it was left untouched.",
    cause,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
