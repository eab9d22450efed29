// Owns reading a seed's manifest as the old side of a diff. Never writes it.
import type { SeedManifest } from "../seed/manifest.js";
import type { SeedTree } from "./source.js";

export function seedTree(manifest: SeedManifest): SeedTree {
  return {
    lookup: async (path) => manifest.lookup(path),
    below: (folder) => manifest.below(folder),
    // One pass over the whole manifest, due only where a file with several names was touched.
    async *linked(groups) {
      for await (const record of manifest.below(Buffer.alloc(0))) {
        if (groups.has(record.group) || groups.has(record.path)) yield record;
      }
    },
  };
}
