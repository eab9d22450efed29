// Owns the record of an installed environment and whether its image still is what it says. Never installs.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { hasErrno } from "../base/error.js";
import { readRecordFile } from "../base/record-file.js";
import type { NewerRecord, RecordKind } from "../base/stored-record.js";
import type { InstalledEnvironment } from "./environment.js";
import { safeName, type StorePaths } from "./store-paths.js";

const imageSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/u),
  size: z.int().positive(),
  /** Nanoseconds since 1970, and the inode: as decimal digits, for they exceed what JavaScript can count. */
  mtime_ns: z.string().regex(/^\d+$/u),
  ino: z.string().regex(/^\d+$/u),
});

const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().min(1),
  source: z.string().min(1),
  image: imageSchema,
  env: z.array(z.string()),
  /** name=version */
  packages: z.array(z.string()),
  /** RFC 3339. */
  installed_at: z.iso.datetime(),
  pyro_version: z.string(),
});

export const environmentRecordKind = {
  what: "environment",
  schema: manifestSchema,
  upgrades: [],
} satisfies RecordKind<typeof manifestSchema>;

export type Manifest = z.infer<typeof manifestSchema>;
export type ImageRecord = z.infer<typeof imageSchema>;

/** A manifest as found on disk: absent, of no use, one that only a newer pyro reads, or one that reads well. */
export type FoundManifest =
  | { readonly kind: "absent" }
  | { readonly kind: "garbled"; readonly reason: string }
  | NewerRecord
  | { readonly kind: "readable"; readonly manifest: Manifest };

export async function readManifest(paths: StorePaths, name: string): Promise<FoundManifest> {
  const found = await readRecordFile(environmentRecordKind, manifestPath(paths, name));
  if (found.kind !== "readable") return found;
  if (found.value.name !== name) return { kind: "garbled", reason: `It is the manifest of ${found.value.name}.` };
  return { kind: "readable", manifest: found.value };
}

/** Whether the image is untouched since the record was made (`same`), has to be read to know, or is not there. */
export async function compareImage(path: string, image: ImageRecord): Promise<"same" | "suspect" | "missing"> {
  const now = await identify(path);
  if (now === undefined || now.size !== image.size) return "missing";
  return now.mtime_ns === image.mtime_ns && now.ino === image.ino ? "same" : "suspect";
}

/** Reads the whole file. */
export async function hashImage(path: string, signal: AbortSignal): Promise<ImageRecord> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, { signal });
  const identity = await identify(path);
  if (identity === undefined) throw new Error(`${path} went away while it was read.`);
  return { sha256: hash.digest("hex"), ...identity };
}

export function toInstalled(paths: StorePaths, manifest: Manifest): InstalledEnvironment {
  return {
    name: manifest.name,
    imagePath: imagePath(paths, manifest.image.sha256),
    imageDigest: `sha256:${manifest.image.sha256}`,
    imageBytes: manifest.image.size,
    env: manifest.env,
    source: manifest.source,
    installedAt: manifest.installed_at,
  };
}

export function imagePath(paths: StorePaths, sha256: string): string {
  return join(paths.images, `${sha256}.squashfs`);
}

export function manifestPath(paths: StorePaths, name: string): string {
  return join(paths.installs, `${safeName(name)}.json`);
}

async function identify(path: string): Promise<Omit<ImageRecord, "sha256"> | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    return { size: Number(found.size), mtime_ns: String(found.mtimeNs), ino: String(found.ino) };
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
