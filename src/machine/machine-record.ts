// Owns the record by which a later daemon finds a machine that was kept. Never starts or ends one.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeJsonAtomic } from "../base/atomic-file.js";
import { isSameProcess, processWorld } from "../base/process-identity.js";

const recordSchema = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[a-z]+_[a-z2-7]{12}$/u),
  /** QEMU's own process. */
  process: z.strictObject({ pid: z.int().positive(), startTicks: z.int() }),
  engine: z.string(),
  accelerator: z.string(),
  environment: z.string(),
  vcpu_count: z.int(),
  mem_mib: z.int(),
});

export type MachineRecord = z.output<typeof recordSchema>;

const fileName = "machine.json";
/** Beside it, where the number of its process means something. Machines of earlier versions have none. */
const worldFileName = "process-world.json";
const worldSchema = z.strictObject({ format: z.literal(1), boot_id: z.string(), namespace: z.string() });

export async function writeMachineRecord(folder: string, record: MachineRecord): Promise<void> {
  const { bootId, namespace } = await processWorld();
  const world: z.output<typeof worldSchema> = { format: 1, boot_id: bootId, namespace };
  // First: a record without it would be judged as one of ours.
  await writeJsonAtomic(join(folder, worldFileName), world);
  await writeJsonAtomic(join(folder, fileName), record);
}

/** The record, if it can be read and its process still runs; anything else is no machine any more. */
export async function readLiveRecord(folder: string): Promise<MachineRecord | undefined> {
  const text = await readFile(join(folder, fileName), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = recordSchema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  return (await isSameProcess(parsed.data.process)) ? parsed.data : undefined;
}

/** True for the machine of another container on this host, of which nobody here can tell whether it lives. */
export async function belongsElsewhere(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, worldFileName), "utf8").catch(() => "");
  const parsed = worldSchema.safeParse(parseJson(text));
  if (!parsed.success) return false;
  const { bootId, namespace } = await processWorld();
  return parsed.data.boot_id === bootId && parsed.data.namespace !== namespace;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
