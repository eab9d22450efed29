// Owns the folder beside an export's target in which it is made, and putting it in place. Never touches the target before that.
import { chmod, link, lstat, mkdir, readFile, rename } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { syncFolder } from "../../base/atomic-file.js";
import { type OpenedPath, descriptorPath, openEntry } from "../../base/host-roots.js";
import { either, field, say } from "../../base/say.js";
import { type ExportPlace, checkPlace, lstatIn, pathIn, stagingPrefix } from "./export-place.js";
import type { ExportRecord, ExportRecords } from "./export-record.js";
import { giveBack, identityOf, removeStaging, stagedNames } from "./settle.js";

/** What has just happened, in order; a test changes something there, or kills the export by its crash point. */
export type ExportStep =
  | "recorded"
  | "staging_made"
  | "staging_recorded"
  | "extracted"
  | "checked"
  | "swap_recorded"
  | "moved_aside"
  | "published"
  | "staging_removed";

export interface StagingServices {
  readonly records: ExportRecords;
  step(step: ExportStep): Promise<void>;
}

export interface Staging extends AsyncDisposable {
  /** Where the export is to be made; does not exist yet. */
  readonly made: string;
  /** Puts what was made at the target: at once, or not at all. Only one export may do so at a time. */
  publish(force: boolean): Promise<void>;
}

const bootIdFile = "/proc/sys/kernel/random/boot_id";

export async function currentBootId(): Promise<string> {
  return (await readFile(bootIdFile, "utf8")).trim();
}

/** Refuses a target that is there already, unless it is to be replaced. */
export async function checkTarget({ parent, name, target }: ExportPlace, force: boolean): Promise<void> {
  if (!force && (await lstatIn(parent, name)) !== undefined) throw taken(target);
}

/**
 * Makes `.pyro-export-TOKEN` beside the target: `made` is what is exported, `replaced` what was at the target. A record of
 * it is on the disk before; the folder says nothing about itself, so nobody can make one that is believed.
 */
export async function openStaging(place: ExportPlace, { records, step }: StagingServices): Promise<Staging> {
  let record = await newRecord(place);
  await records.write(record);
  let folder: OpenedPath | undefined;
  const close = async (): Promise<void> => {
    await folder?.[Symbol.asyncDispose]();
    // What cannot be settled now stays on record, for the next daemon.
    await settleOwn(place, record, records).catch(() => undefined);
    await step("staging_removed");
  };
  try {
    await step("recorded");
    folder = await makeFolder(place, record);
    await step("staging_made");
    record = { ...record, staging: await identityOf(folder) };
    await records.write(record);
    await step("staging_recorded");
  } catch (error) {
    await close();
    throw asTargetError(error, place.target);
  }
  const staged = folder;
  return {
    made: `${descriptorPath(staged)}/${stagedNames.made}`,
    [Symbol.asyncDispose]: close,
    publish: async (force) => {
      await checkPlace(place);
      await checkTarget(place, force);
      await step("checked");
      const swap = async (change: Pick<ExportRecord, "swap">): Promise<void> => {
        record = { ...record, ...change };
        await records.write(record);
        await step("swap_recorded");
      };
      await publish({ place, staged, swap, step }, force);
      await step("published");
    },
  };
}

async function newRecord({ parent, name, allowedRoots }: ExportPlace): Promise<ExportRecord> {
  return {
    format: 1,
    token: randomBytes(16).toString("hex"),
    boot_id: await currentBootId(),
    uid: process.getuid?.() ?? 0,
    parent: parent.path,
    parent_identity: await identityOf(parent),
    target: name,
    allowed_roots: allowedRoots === undefined ? null : [...allowedRoots],
    staging: null,
    swap: null,
  };
}

async function makeFolder({ parent }: ExportPlace, { token }: ExportRecord): Promise<OpenedPath> {
  const name = `${stagingPrefix}${token}`;
  await mkdir(pathIn(parent, name), { mode: 0o700 });
  const folder = await openEntry(parent, name);
  if (folder.kind === "directory") return folder;
  await folder[Symbol.asyncDispose]();
  throw new PyroError("permission_denied", `${name} was replaced as soon as it was made.`);
}

async function settleOwn(place: ExportPlace, record: ExportRecord, records: ExportRecords): Promise<void> {
  if ((await giveBack(place, record)) !== "settled") return;
  await removeStaging(place.parent, record);
  await records.remove(record.token);
}

interface Publishing {
  readonly place: ExportPlace;
  readonly staged: OpenedPath;
  swap(change: Pick<ExportRecord, "swap">): Promise<void>;
  step(step: ExportStep): Promise<void>;
}

async function publish({ place, staged, swap, step }: Publishing, force: boolean): Promise<void> {
  const { parent, name, target } = place;
  const [from, to] = [pathIn(staged, stagedNames.made), pathIn(parent, name)];
  const existing = await lstatIn(parent, name);
  if (existing !== undefined && !force) throw taken(target);
  const isFolder = (await lstat(from)).isDirectory();
  if (existing === undefined) {
    await (isFolder ? rename(from, to) : placeFile(from, to, target));
    return;
  }
  if (!isFolder && !existing.isDirectory()) {
    await rename(from, to);
    return;
  }
  await using old = await openEntry(parent, name);
  const { mode } = await old.handle.stat();
  await swap({ swap: { replaced: await identityOf(old), mode: mode & 0o7777 } });
  // Only a writable folder can be moved to another parent.
  if (old.kind === "directory" && (mode & 0o200) === 0) await chmod(descriptorPath(old), (mode & 0o7777) | 0o700);
  await rename(to, pathIn(staged, stagedNames.replaced));
  await step("moved_aside");
  await rename(from, to);
  // What was moved aside is removed next, which must not reach the disk before this.
  await syncFolder(descriptorPath(parent));
}

/** Unlike a rename, a link never replaces what appeared meanwhile. */
async function placeFile(from: string, to: string, target: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (hasErrno(error, "EEXIST")) throw taken(target);
    // File systems without hard links, such as FAT.
    if (!hasErrno(error, "EPERM") && !hasErrno(error, "ENOTSUP")) throw error;
    await rename(from, to);
  }
}

function taken(target: string): PyroError {
  return new PyroError("already_exists", `${target} exists already.`, {
    hint: say`Name another output${either(say`, or pass ${field("workspace_export", "force", true)} to replace it`)}.`,
  });
}

function asTargetError(error: unknown, target: string): unknown {
  if (!hasErrno(error, "EACCES") && !hasErrno(error, "EPERM") && !hasErrno(error, "EROFS")) return error;
  return new PyroError("permission_denied", `${dirname(target)} cannot be written.`, { cause: error });
}
