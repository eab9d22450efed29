// Proves that a kernel is taken out of a bzImage whole or not at all.

import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { vmlinuxFromBzImage } from "../../../runtime/vmlinux.mjs";

const KERNEL = Buffer.concat([Buffer.from("7f454c46", "hex"), Buffer.alloc(5000, "kernel")]);

test("the ELF kernel comes out as it went in", () => {
  expect(vmlinuxFromBzImage(bzImage(KERNEL, KERNEL.length)).equals(KERNEL)).toBe(true);
});

test("a file that is no bzImage is refused", () => {
  expect(() => vmlinuxFromBzImage(Buffer.alloc(4096))).toThrow("no HdrS header");
});

test("a payload of another size than its header says is refused", () => {
  expect(() => vmlinuxFromBzImage(bzImage(KERNEL, KERNEL.length + 1))).toThrow("its header says 5005");
});

test("a payload that is no ELF file is refused", () => {
  const other = Buffer.alloc(100, "x");
  expect(() => vmlinuxFromBzImage(bzImage(other, other.length))).toThrow("not an ELF kernel");
});

/** The boot protocol's fields that matter: setup sectors, magic, offset and length of the payload, size at its end. */
function bzImage(kernel: Buffer, size: number): Buffer {
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32LE(size);
  const payload = Buffer.concat([gzipSync(kernel), trailer]);
  const header = Buffer.alloc(1024);
  header.writeUInt8(1, 0x1f1);
  header.write("HdrS", 0x202, "latin1");
  header.writeUInt32LE(0, 0x248);
  header.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([header, payload]);
}
