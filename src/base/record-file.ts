// Owns the files of stored records: reading one of any format, and writing one unless a newer pyro's stands there. Never knows what a record means.
import { readFile } from "node:fs/promises";
import type * as z from "zod";
import { writeJsonAtomic } from "./atomic-file.js";
import { hasErrno } from "./error.js";
import { readStored, type RecordKind, type StoredRecord } from "./stored-record.js";

export type FoundRecord<Value> = { readonly kind: "absent" } | StoredRecord<Value>;

/** Never rejects: what cannot be read is garbled, with the reason. */
export async function readRecordFile<Schema extends z.ZodType>(
  kind: RecordKind<Schema>,
  path: string,
): Promise<FoundRecord<z.output<Schema>>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return { kind: "absent" };
    return { kind: "garbled", reason: error instanceof Error ? error.message : String(error) };
  }
  return readStored(kind, text);
}

/** Writes it atomically; false, and nothing is written, where a newer pyro's record stands. */
export async function replaceRecordFile<Schema extends z.ZodType>(
  kind: RecordKind<Schema>,
  path: string,
  value: z.input<Schema>,
): Promise<boolean> {
  if ((await readRecordFile(kind, path)).kind === "newer") return false;
  await writeJsonAtomic(path, value);
  return true;
}
