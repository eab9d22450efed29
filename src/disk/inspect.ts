// Owns looking at disks and other images as they lie on the host: what they take, and whether they can be used. Never changes one.
import { stat } from "node:fs/promises";
import { PyroError } from "../base/error.js";
import type { DiskChain, DiskLayer } from "./chain.js";
import { overlayBytes } from "./qcow2.js";

const blockBytes = 512;

/** Bytes that a file takes on the host, which are fewer than it has where it has holes; 0 where there is none. */
export async function allocatedBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return (found?.blocks ?? 0) * blockBytes;
}

/** Refuses a disk that nothing could start from, before a machine or what it is restored from is blamed for it. */
export async function refuseBrokenDisk({ top, below }: DiskChain): Promise<void> {
  const sizes = await Promise.all([top, ...below].map(async (layer) => ({ layer, bytes: await virtualBytes(layer) })));
  const [first] = sizes;
  for (const { layer, bytes } of sizes) {
    if (bytes !== undefined && bytes === first?.bytes) continue;
    throw new PyroError(
      "failed_precondition",
      `The machine's disk cannot be used: ${layer.path} is missing or broken.`,
      {
        hint: "A reset makes a new disk, without what was written to this one.",
      },
    );
  }
}

/** What a guest sees of a layer; undefined where it is missing or none. */
async function virtualBytes({ path, format }: DiskLayer): Promise<number | undefined> {
  try {
    return format === "qcow2" ? await overlayBytes(path) : (await stat(path)).size;
  } catch {
    return undefined;
  }
}
