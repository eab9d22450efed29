// Owns the records of exports under way, in the state folder: all that a later daemon knows of what to put back. Never acts on one.
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeJsonAtomic } from "../../base/atomic-file.js";
import { hasErrno } from "../../base/error.js";
import { readRecordFile } from "../../base/record-file.js";
import type { RecordKind } from "../../base/stored-record.js";

const number = z.string().regex(/^\d{1,20}$/u);

/** Which file it is, whatever its name. */
const identity = z.strictObject({
  /** Of its file system; a restart of the host may change it. */
  device: number,
  inode: number,
});

const exportRecord = z.strictObject({
  format: z.literal(1),
  /** Also ends the name of the staging folder; nobody can guess it. */
  token: z.string().regex(/^[0-9a-f]{32}$/u),
  /** Of the host, since its last start. */
  boot_id: z.string().max(64),
  uid: z.int().min(0),
  /** Real path of the folder that holds the target and the staging folder. */
  parent: z.string().startsWith("/").max(4096),
  parent_identity: identity,
  target: z.string().min(1).max(255),
  /** Folders that the call might use; null: all that the user may. */
  allowed_roots: z.array(z.string()).nullable(),
  /** Null until the staging folder is made. */
  staging: identity.nullable(),
  /** What the target is moved aside for; null as long as it is not to be. */
  swap: z.strictObject({ replaced: identity, mode: z.int().min(0).max(0o7777) }).nullable(),
});

export const exportRecordKind = { what: "export", schema: exportRecord, upgrades: [] } satisfies RecordKind<
  typeof exportRecord
>;

export type ExportRecord = z.output<typeof exportRecord>;
export type FileIdentity = z.output<typeof identity>;

export interface UnreadableRecord {
  readonly path: string;
  readonly reason: string;
}

export class ExportRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** On the disk when this returns: nothing may be done on the host before. */
  async write(record: ExportRecord): Promise<void> {
    try {
      await writeJsonAtomic(this.#path(record.token), record);
    } catch (error) {
      if (!hasErrno(error, "ENOENT")) throw error;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeJsonAtomic(this.#path(record.token), record);
    }
  }

  /** One that comes back by a power cut names a folder that is gone, which is fine. */
  async remove(token: string): Promise<void> {
    await rm(this.#path(token), { force: true });
  }

  /** Those that cannot be read are named and kept: a newer pyro may know what to do. */
  async readAll(): Promise<{ readonly records: readonly ExportRecord[]; readonly unreadable: UnreadableRecord[] }> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (hasErrno(error, "ENOENT")) return [];
      throw error;
    });
    const records: ExportRecord[] = [];
    const unreadable: UnreadableRecord[] = [];
    for (const name of names) {
      const path = join(this.#folder, name);
      // Of a write that was cut off: the record itself is the old one.
      if (name.endsWith(".tmp")) await rm(path, { force: true });
      if (!name.endsWith(".json")) continue;
      const found = await readRecordFile(exportRecordKind, path);
      if (found.kind === "newer" || found.kind === "garbled") unreadable.push({ path, reason: found.reason });
      else if (found.kind === "readable") {
        if (this.#path(found.value.token) === path) records.push(found.value);
        else unreadable.push({ path, reason: `It is the record of ${found.value.token}.` });
      }
    }
    return { records, unreadable };
  }

  #path(token: string): string {
    return join(this.#folder, `${token}.json`);
  }
}
