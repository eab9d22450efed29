// Proves that the initramfs archive holds what was put in, in the same bytes each time.

import { expect, test } from "vitest";
import { cpioArchive } from "../../../runtime/cpio.mjs";

const ENTRIES = [
  { path: "init", mode: 0o755, content: Buffer.from("agent") },
  { path: "lib/modules/order", content: Buffer.from("virtio.ko\n") },
  { path: "dev" },
];

test("an archive lists its entries and their missing parents in the order of their paths", () => {
  expect(read(cpioArchive(ENTRIES))).toEqual([
    { path: "dev", mode: 0o040755, content: "" },
    { path: "init", mode: 0o100755, content: "agent" },
    { path: "lib", mode: 0o040755, content: "" },
    { path: "lib/modules", mode: 0o040755, content: "" },
    { path: "lib/modules/order", mode: 0o100644, content: "virtio.ko\n" },
  ]);
});

test("the same entries make the same archive, whatever their order", () => {
  expect(cpioArchive(ENTRIES.toReversed()).equals(cpioArchive(ENTRIES))).toBe(true);
});

test("an archive fills whole blocks of 512 bytes", () => {
  expect(cpioArchive(ENTRIES).length % 512).toBe(0);
});

/** The other half of the format: what the kernel reads at boot. */
function read(archive: Buffer): { path: string; mode: number; content: string }[] {
  const entries = [];
  for (let at = 0; ;) {
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const field = (index: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameEnd = at + 110 + field(11);
    const path = archive.toString("utf8", at + 110, nameEnd - 1);
    if (path === "TRAILER!!!") return entries;
    const start = aligned(nameEnd);
    entries.push({ path, mode: field(1), content: archive.toString("utf8", start, start + field(6)) });
    at = aligned(start + field(6));
  }
}

function aligned(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}
