// Takes the ELF kernel out of a bzImage (a machine starts faster from it, and without the kernel's own decompressor). Starts host programs, writes nothing.

import { spawnSync } from "node:child_process";
import { gunzipSync } from "node:zlib";

const ELF_MAGIC = Buffer.from("7f454c46", "hex");
const SIZE_TRAILER_BYTES = 4;
const MAX_KERNEL_BYTES = 512 * 1024 * 1024;

export const COMPRESSIONS = [
  { name: "gzip", magic: "1f8b08", unpack: (payload) => gunzipSync(payload, { finishFlush: 2 }) },
  { name: "lz4", magic: "02214c18", unpack: (payload) => filter("lz4", ["-d", "-c"], payload) },
  { name: "xz", magic: "fd377a585a00", unpack: (payload) => filter("xz", ["-d", "-c", "--single-stream"], payload) },
  { name: "zstd", magic: "28b52ffd", unpack: (payload) => filter("zstd", ["-d", "-c"], payload) },
];

/**
 * The vmlinux inside a bzImage.
 * @param {Buffer} image
 * @returns {Buffer}
 * @throws Error that says what was found instead
 */
export function vmlinuxFromBzImage(image) {
  if (image.toString("latin1", 0x202, 0x206) !== "HdrS") throw new Error("not a Linux bzImage: no HdrS header");
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  const kernel = decompress(payload.subarray(0, payload.length - SIZE_TRAILER_BYTES));
  if (!kernel.subarray(0, 4).equals(ELF_MAGIC)) throw new Error("the bzImage payload is not an ELF kernel");
  const expected = payload.readUInt32LE(payload.length - SIZE_TRAILER_BYTES);
  // Behind the compressed payload stands its size when unpacked: a short read must not pass.
  if (kernel.length !== expected) throw new Error(`the kernel has ${kernel.length} bytes, its header says ${expected}`);
  return kernel;
}

/**
 * The content of a file compressed with gzip, lz4, xz or zstd; the file itself where it is none of them.
 * @param {Buffer} content
 * @returns {Buffer}
 */
export function decompress(content) {
  const found = COMPRESSIONS.find(({ magic }) => content.subarray(0, magic.length / 2).toString("hex") === magic);
  return found === undefined ? content : found.unpack(content);
}

function filter(program, args, input) {
  const result = spawnSync(program, args, { input, maxBuffer: MAX_KERNEL_BYTES });
  if (result.error?.code === "ENOENT") throw new Error(`the program ${program} is missing: apt-get install ${program}`);
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${result.stderr.toString().trim()}`);
  return result.stdout;
}
