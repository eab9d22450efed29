// Owns the names that git gives to contents. Never stores one.
import { createHash } from "node:crypto";

/** Of a repository; its ids have 40 or 64 digits. */
export type ObjectFormat = "sha1" | "sha256";

export function blobId(content: Buffer, format: ObjectFormat = "sha1"): string {
  return createHash(format).update(`blob ${content.length}\0`).update(content).digest("hex");
}
