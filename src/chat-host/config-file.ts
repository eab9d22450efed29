// Owns reading a host's config file and replacing it. Never writes over what changed meanwhile, never interprets content.
import { lstat, mkdir, readlink, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, resolve, sep } from "node:path";
import { removeDrafts, writeFileAtomic, type FileOwnership } from "../base/atomic-file.js";
import { PyroError, hasErrno } from "../base/error.js";
import { readHostFile } from "../base/read-host-file.js";
import { call, say } from "../base/say.js";
import type { ConfigPlace } from "./host.js";

export interface ConfigFile {
  /** As the host names it. */
  readonly path: string;
  /** Without a byte order mark; empty when there is no file. */
  readonly text: string;
  readonly hasByteOrderMark: boolean;
  /** Undefined when there is no file. */
  readonly ownership: FileOwnership | undefined;
}

interface FilePlace {
  readonly path: ConfigPlace["path"];
  readonly within?: ConfigPlace["within"] | undefined;
}

/** A user's own file may have grown over years; a project's is a stranger's. */
const maxUserBytes = 64 * 1024 * 1024;
const maxProjectBytes = 256 * 1024;
const byteOrderMark = "\uFEFF";
/** As programs make files that others may read. */
const newFileMode = 0o644;
/** Milliseconds after which whoever wrote a draft of a file has died. */
const oldDraftMs = 60_000;

/** Throws `failed_precondition` for what is no text file that can be read, and for a project's file that is a link out of it. */
export async function readConfigFile({ path, within }: FilePlace): Promise<ConfigFile> {
  try {
    const target = await realpath(path);
    await refuseOutside(target, { path, within });
    const { mode, uid, gid } = await stat(target);
    const bytes = await readHostFile(target, { maxBytes: within === undefined ? maxUserBytes : maxProjectBytes });
    const whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const hasByteOrderMark = whole.startsWith(byteOrderMark);
    return { path, text: hasByteOrderMark ? whole.slice(1) : whole, hasByteOrderMark, ownership: { mode, uid, gid } };
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) {
      return { path, text: "", hasByteOrderMark: false, ownership: undefined };
    }
    if (error instanceof PyroError && error.code === "permission_denied") throw error;
    throw unreadable(path, hasErrno(error, "ERR_ENCODING_INVALID_ENCODED_DATA") ? "it is not UTF-8 text" : error);
  }
}

/** Removes the file that was read; where it was a link, what the link leads to. */
export async function removeConfigFile(place: FilePlace, read: ConfigFile): Promise<void> {
  refuseChanged(await readConfigFile(place), read);
  await rm(await targetOf(read.path), { force: true });
}

function refuseChanged(now: ConfigFile, read: ConfigFile): void {
  if (now.text === read.text && (now.ownership === undefined) === (read.ownership === undefined)) return;
  throw new PyroError("failed_precondition", `${read.path} was changed by another program meanwhile.`, {
    hint: "Call again; nothing was written.",
  });
}

/** Replaces the file that was read by the new text; a link stays one, and its target is replaced. */
export async function replaceConfigFile(place: FilePlace, read: ConfigFile, text: string): Promise<void> {
  const now = await readConfigFile(place);
  refuseChanged(now, read);
  const target = await targetOf(read.path);
  try {
    await mkdir(dirname(target), { recursive: true });
    await refuseOutside(await realpath(dirname(target)), place);
    await removeDrafts(dirname(target), { olderThanMs: oldDraftMs, of: basename(target) });
    const content = `${read.hasByteOrderMark ? byteOrderMark : ""}${text}`;
    const { uid, gid } = now.ownership ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    const mode = now.ownership?.mode ?? newFileMode & ~process.umask();
    await writeFileAtomic(target, content, { mode, uid, gid });
  } catch (error) {
    if (error instanceof PyroError) throw error;
    throw new PyroError("permission_denied", `${target} cannot be written: ${messageOf(error)}`, {
      hint: say`Make it writable, or put the entry in by hand: ${call("host_print_config")} shows it.`,
      cause: error,
    });
  }
}

/** `target` has no links in it any more. */
async function refuseOutside(target: string, { path, within }: FilePlace): Promise<void> {
  if (within === undefined) return;
  const folder = await realpath(within);
  if (target === folder || target.startsWith(folder === sep ? sep : `${folder}${sep}`)) return;
  throw new PyroError("permission_denied", `${path} is a link that leads out of ${within}, to ${target}.`, {
    hint: "Replace it by a file of the project's own, or remove it; pyro leaves it untouched.",
  });
}

async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    const isLink = await lstat(path).then(
      (found) => found.isSymbolicLink(),
      () => false,
    );
    return isLink ? resolve(dirname(path), await readlink(path)) : path;
  }
}

function unreadable(path: string, why: unknown): PyroError {
  const text = typeof why === "string" ? why : messageOf(why);
  return new PyroError("failed_precondition", `${path} cannot be read: ${text.replace(/\.$/u, "")}.`, {
    hint: "Correct the file; it was left untouched.",
    cause: why,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
