// Owns the exports of one daemon: their records, their turns, and what the daemon before left half done. Never an archive.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crashPoint } from "../../base/crash-point.js";
import { PyroError, hasErrno } from "../../base/error.js";
import { type OpenedPath, openWithin } from "../../base/host-roots.js";
import { ReadWriteLock } from "../../base/read-write-lock.js";
import { type ExportRecord, ExportRecords } from "./export-record.js";
import { giveBack, identityOf, isSameFile, removeStaging } from "./settle.js";
import { type ExportStep, type StagingServices, currentBootId } from "./staging.js";

/** A record that still means something, and why nothing is done about it. */
export interface KeptRecord {
  readonly what: string;
  readonly reason: string;
}

export interface Exports extends StagingServices {
  /** Runs what makes a name on the host alone: so it sees what all others made. */
  publish(signal: AbortSignal, work: () => Promise<void>): Promise<void>;
  /** Settles what earlier daemons left; once, before the first export. Returns what it left alone. */
  recover(): Promise<readonly KeptRecord[]>;
}

export interface ExportsOptions {
  readonly onStep?: (step: ExportStep) => Promise<void>;
}

/** Milliseconds that exports wait for what is given back: a file system that is gone must not hold up the others. */
const giveBackMs = 10_000;

/** To be opened by the only process that has this state folder: exports on record now are over. */
export async function openExports(stateFolder: string, { onStep }: ExportsOptions = {}): Promise<Exports> {
  const records = new ExportRecords(join(stateFolder, "exports"));
  const { records: found, unreadable } = await records.readAll();
  const bootId = await currentBootId();
  const turns = new ReadWriteLock();
  return {
    records,
    step: async (step) => {
      crashPoint("export", step);
      await onStep?.(step);
    },
    publish: (signal, work) => turns.exclusive(signal, work),
    recover: async () => {
      const recovering = found.map((record) => openRecovery(records, record, record.boot_id === bootId));
      const backAgain = Promise.all(recovering.map(({ back }) => back));
      // What is given back should be there before anybody asks for its name.
      await turns.exclusive(new AbortController().signal, () => atMost(backAgain, giveBackMs));
      const reasons = await Promise.all(recovering.map(({ finish }) => finish()));
      const kept = found.map(({ parent, target }, index) => ({
        what: `the export to ${join(parent, target)}`,
        reason: reasons[index],
      }));
      return [
        ...unreadable.map(({ path, reason }) => ({ what: path, reason })),
        ...kept.filter((each): each is KeptRecord => each.reason !== undefined),
      ];
    },
  };
}

async function atMost(work: Promise<unknown>, ms: number): Promise<void> {
  const end = new AbortController();
  const late = sleep(ms, undefined, { signal: end.signal, ref: false }).catch(() => undefined);
  await Promise.race([work, late]).finally(() => end.abort());
}

/** `finish` tells why something of it is left, after what had to be given back is. */
function openRecovery(records: ExportRecords, record: ExportRecord, sameBoot: boolean) {
  const back = giveRecordedBack(record, sameBoot).catch((error: unknown) => ({ reason: wordsOf(error) }));
  return {
    back,
    finish: async (): Promise<string | undefined> => {
      const outcome = await back;
      if ("reason" in outcome) return outcome.reason;
      try {
        await using parent = outcome.parent;
        if (parent !== undefined) await removeStaging(parent, record, sameBoot);
        await records.remove(record.token);
        return undefined;
      } catch (error) {
        return wordsOf(error);
      }
    },
  };
}

type Outcome = { readonly reason: string } | { readonly parent: OpenedPath | undefined };

async function giveRecordedBack(record: ExportRecord, sameBoot: boolean): Promise<Outcome> {
  const { uid, target: name, allowed_roots: roots, parent: path } = record;
  if (uid !== process.getuid?.()) return { reason: "another user made it" };
  const parent = await openRecorded(record);
  // Nothing of the user's is in there.
  if (parent === undefined && record.swap === null) return { parent };
  if (parent === undefined) return { reason: `${path} is not there` };
  try {
    if (!isSameFile(await identityOf(parent), record.parent_identity, sameBoot)) throw new Error(`${path} is another`);
    const target = join(path, name);
    const place = { parent, name, target, allowedRoots: roots ?? undefined };
    const back = await giveBack(place, record, sameBoot);
    if (back === "target_taken") throw new Error("what was at its target cannot go back: something has the name now");
    if (back === "not_ours") throw new Error("its staging folder is not the one that it made");
    return { parent };
  } catch (error) {
    await parent[Symbol.asyncDispose]();
    return { reason: wordsOf(error) };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The path has no links, or it is not the recorded one. */
async function openRecorded({ parent, allowed_roots: roots }: ExportRecord): Promise<OpenedPath | undefined> {
  let opened: OpenedPath;
  try {
    opened = await openWithin(parent, { roots: roots ?? undefined, field: "output_path" });
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR") || error instanceof PyroError) return undefined;
    throw error;
  }
  if (opened.kind === "directory" && opened.path === parent) return opened;
  await opened[Symbol.asyncDispose]();
  return undefined;
}
