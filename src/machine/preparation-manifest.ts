// Owns what is written down about an environment that was prepared, and reading it back. Never judges whether it still holds.
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { writeJsonAtomic } from "../base/atomic-file.js";
import { hasErrno } from "../base/error.js";
import { safeName } from "../environment/store-paths.js";

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
export type PreparationManifest = z.output<typeof manifestSchema>;

export type FoundPreparation =
  | { readonly kind: "absent" }
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "readable"; readonly manifest: PreparationManifest };

/** Never rejects: what cannot be read counts as not there, with the reason. */
export async function readPreparation(cache: string, environment: string): Promise<FoundPreparation> {
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(pathOf(cache, environment), "utf8")));
    if (manifest.environment === environment) return { kind: "readable", manifest };
    return { kind: "broken", reason: `it is of ${manifest.environment}` };
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return { kind: "absent" };
    return { kind: "broken", reason: complaint(error) };
  }
}

export async function writePreparation(cache: string, manifest: PreparationManifest): Promise<void> {
  const path = pathOf(cache, manifest.environment);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeJsonAtomic(path, manifest);
}

function pathOf(cache: string, environment: string): string {
  return join(cache, "prepared", `${safeName(environment)}.json`);
}

function complaint(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  return error instanceof Error ? error.message : String(error);
}
