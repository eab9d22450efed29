// Proves that an image takes what it is given in pieces of any size, without waiting for what it keeps itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SeedImage } from "../../../../src/tree/seed/seed-image.js";

test("a large piece right after a small one is taken, though the small one is still under way", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pyro-seed-image-"));
  const image = await SeedImage.start(folder);
  const pieces = Array.from({ length: 4000 }, (_, index) => Buffer.alloc(index % 2 === 0 ? 100 : 70_000, index));
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  image.add({ path: "file", kind: "file", mode: 0o644, mtime: 0, target: "", size });
  for (const piece of pieces) {
    image.write(piece);
    await image.ready();
  }
  image.end();
  expect(await image.finish()).toMatchObject({ fileCount: 1, byteCount: size });
  rmSync(folder, { recursive: true });
});
