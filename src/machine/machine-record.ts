// Owns the record by which a later daemon finds a machine that was kept. Never starts or ends one.
import { join } from "node:path";
import * as z from "zod";
import { writeJsonAtomic } from "../base/atomic-file.js";
import { processWorld } from "../base/process-identity.js";
import { readRecordFile, type FoundRecord } from "../base/record-file.js";
import type { RecordKind } from "../base/stored-record.js";

const recordSchema = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[a-z]+_[a-z2-7]{12}$/u),
  /** The engine's own process. */
  process: z.strictObject({ pid: z.int().positive(), startTicks: z.int() }),
  engine: z.string(),
  accelerator: z.string(),
  environment: z.string(),
  vcpu_count: z.int(),
  mem_mib: z.int(),
});
export const machineRecordKind = {
  what: "machine",
  schema: recordSchema,
  upgrades: [],
} satisfies RecordKind<typeof recordSchema>;

export type MachineRecord = z.output<typeof recordSchema>;

const worldSchema = z.strictObject({ format: z.literal(1), boot_id: z.string(), namespace: z.string() });
export const machineWorldKind = {
  what: "machine's process world",
  schema: worldSchema,
  upgrades: [],
} satisfies RecordKind<typeof worldSchema>;

const fileName = "machine.json";
/** Beside it, where the number of its process means something. Machines of earlier versions have none. */
const worldFileName = "process-world.json";

export async function writeMachineRecord(folder: string, record: MachineRecord): Promise<void> {
  const { bootId, namespace } = await processWorld();
  const world: z.output<typeof worldSchema> = { format: 1, boot_id: bootId, namespace };
  // First: a record without it would be judged as one of ours.
  await writeJsonAtomic(join(folder, worldFileName), world);
  await writeJsonAtomic(join(folder, fileName), record);
}

export function readMachineRecord(folder: string): Promise<FoundRecord<MachineRecord>> {
  return readRecordFile(machineRecordKind, join(folder, fileName));
}

/**
 * Where the machine runs. `elsewhere` is another container on this host, of which nobody here can tell whether it lives;
 * `unknown`, where only a newer pyro can tell.
 */
export async function machineWorld(folder: string): Promise<"here" | "elsewhere" | "unknown"> {
  const found = await readRecordFile(machineWorldKind, join(folder, worldFileName));
  if (found.kind === "newer") return "unknown";
  if (found.kind !== "readable") return "here";
  const { bootId, namespace } = await processWorld();
  return found.value.boot_id === bootId && found.value.namespace !== namespace ? "elsewhere" : "here";
}
