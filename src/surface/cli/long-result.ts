// Owns where the long text of a result goes as it comes: to the file that the user named, else to memory. Never leaves half of one there.
import { randomBytes } from "node:crypto";
import { link, lstat, open, rename, rm } from "node:fs/promises";
import { hasErrno, PyroError } from "../../base/error.js";
import type { WireResult } from "../connection.js";
import type { CommandContext } from "./command.js";

export interface LongResult extends AsyncDisposable {
  /** Bytes that are in the file; undefined where there is none. */
  written(): number | undefined;
  take(data: Uint8Array): Promise<void>;
  /** The call is done: the text is complete. The result with the text, where it has a place in there. */
  finish(result: WireResult): Promise<WireResult>;
}

/** Undefined where the document has it all. */
export async function openLongResult(
  field: string | undefined,
  { json, selection }: CommandContext,
): Promise<LongResult | undefined> {
  if (field === undefined || json) return undefined;
  return selection?.path === undefined ? inMemory(field) : inFile(selection.path);
}

function inMemory(field: string): LongResult {
  const parts: Uint8Array[] = [];
  return {
    written: () => undefined,
    take: async (data) => void parts.push(data),
    finish: async (result) => (parts.length === 0 ? result : { ...result, [field]: Buffer.concat(parts).toString() }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Under another name until it is whole. */
async function inFile(path: string): Promise<LongResult> {
  if ((await lstat(path).catch(() => undefined)) !== undefined) throw exists(path);
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(draft, "wx").catch((error: unknown) => {
    throw unwritable(path, error);
  });
  let size = 0;
  const written = async (work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => {
      throw hasErrno(error, "EEXIST") ? exists(path, error) : unwritable(path, error);
    });
  };
  return {
    written: () => size,
    take: (data) => {
      size += data.length;
      return written(() => file.appendFile(data));
    },
    finish: async (result) => {
      await written(() => file.close());
      await written(() => giveName(draft, path));
      return result;
    },
    [Symbol.asyncDispose]: async () => {
      await file.close().catch(() => undefined);
      await rm(draft, { force: true });
    },
  };
}

/** Never over what has appeared there meanwhile, on file systems that can tell. */
async function giveName(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"].some((code) => hasErrno(error, code))) throw error;
    await rename(draft, path);
  }
}

function exists(path: string, cause?: unknown): PyroError {
  return new PyroError("already_exists", `${path} exists.`, { cause });
}

function unwritable(path: string, cause: unknown): PyroError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PyroError("invalid_argument", `${path} cannot be written: ${why}`, { cause });
}
