// Owns what is written down about an environment that was prepared, and reading it back. Never judges whether it still holds.
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { readRecordFile, replaceRecordFile } from "../../base/record-file.js";
import { refuseNewer, type RecordKind } from "../../base/stored-record.js";
import { safeName } from "../../environment/store-paths.js";

/** In the order in which they are taken. */
export const preparationSteps = ["install", "template", "pool", "create", "exec", "reset", "delete", "refill"] as const;
export type PreparationStep = (typeof preparationSteps)[number];

const manifestSchema = z.strictObject({
  format: z.literal(1),
  environment: z.string(),
  image_digest: z.string(),
  /** Of the saved machine. */
  template_key: z.string(),
  /** The very one that was proved: made anew, it has another. */
  template_generation: z.string(),
  engine: z.string(),
  engine_fingerprint: z.string(),
  vcpu_count: z.int(),
  mem_mib: z.int(),
  pyro_version: z.string(),
  /** RFC 3339. */
  prepared_at: z.iso.datetime(),
  steps: z.array(z.strictObject({ step: z.enum(preparationSteps), duration_ms: z.int() })),
  /** What was done once with a workspace, and worked. */
  proved: z.array(z.enum(preparationSteps)),
});
export const preparationRecordKind = {
  what: "preparation",
  schema: manifestSchema,
  upgrades: [],
} satisfies RecordKind<typeof manifestSchema>;

export type PreparationManifest = z.output<typeof manifestSchema>;

export type FoundPreparation =
  | { readonly kind: "absent" }
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "readable"; readonly manifest: PreparationManifest };

/** Never rejects: what cannot be read counts as not there, with the reason. */
export async function readPreparation(cache: string, environment: string): Promise<FoundPreparation> {
  const found = await readRecordFile(preparationRecordKind, pathOf(cache, environment));
  if (found.kind === "absent") return found;
  if (found.kind !== "readable") return { kind: "broken", reason: found.reason };
  if (found.value.environment === environment) return { kind: "readable", manifest: found.value };
  return { kind: "broken", reason: `it is of ${found.value.environment}` };
}

/** Refuses to prepare what a newer pyro has prepared: its record could not be replaced. */
export async function refuseNewerPreparation(cache: string, environment: string): Promise<void> {
  const found = await readRecordFile(preparationRecordKind, pathOf(cache, environment));
  if (found.kind === "newer") throw refuseNewer(`The preparation of ${environment}`, found);
}

export async function writePreparation(cache: string, manifest: PreparationManifest): Promise<void> {
  const path = pathOf(cache, manifest.environment);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceRecordFile(preparationRecordKind, path, manifest);
}

function pathOf(cache: string, environment: string): string {
  return join(cache, "prepared", `${safeName(environment)}.json`);
}
