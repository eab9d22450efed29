// Owns the bytes of a pax tar stream: headers, padding and the end mark. Never reads files.
import { blockBytes, type ByteString, type TarEntry } from "./entry.js";

export type WritableEntry = Omit<TarEntry, "kind" | "what"> & { readonly kind: Exclude<TarEntry["kind"], "other"> };

const typeFlags = { file: "0", link: "1", symlink: "2", directory: "5" } as const;

/** Largest number that eleven octal digits hold. */
const maxOctalSize = 8 ** 11 - 1;
const maxTime = 2 ** 32 - 1;

/** Two blocks of zeros. */
export const endMark = Buffer.alloc(2 * blockBytes);

/** Squashfs counts seconds from 1970 to 2106. */
export function clampTime(seconds: number): number {
  return Math.min(Math.max(0, Math.floor(seconds)), maxTime);
}

/** The header of an entry, with a pax header before it where the old form does not hold its name, target or size. */
export function encodeHeader(entry: WritableEntry): Buffer {
  const records: string[] = [];
  if (entry.path.length > 100) records.push(record("path", entry.path));
  if (entry.target.length > 100) records.push(record("linkpath", entry.target));
  if (entry.size > maxOctalSize) records.push(record("size", String(entry.size)));
  const own = ustar(entry, typeFlags[entry.kind]);
  if (records.length === 0) return own;
  const content = records.join("");
  const padded = Buffer.alloc(Math.ceil(content.length / blockBytes) * blockBytes);
  padded.write(content, "latin1");
  const header = { path: "pax", kind: "file", mode: 0o644, mtime: 0, target: "", size: content.length } as const;
  return Buffer.concat([ustar(header, "x"), padded, own]);
}

/** Where the last field that is written here ends; the rest of a header is zeros. */
const usedBytes = 265;

/** `<length of all of this> <key>=<value>\n` */
function record(key: string, value: ByteString): ByteString {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function ustar(entry: WritableEntry, type: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(entry.path.slice(0, 100), 0, "latin1");
  block.write(`${octal(entry.mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, "latin1");
  block.write(
    `${octal(Math.min(entry.size, maxOctalSize), 11)}\0${octal(clampTime(entry.mtime), 11)}\0`,
    124,
    "latin1",
  );
  block.write(`        ${type}`, 148, "latin1");
  block.write(entry.target.slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  let sum = 0;
  for (let at = 0; at < usedBytes; at++) sum += block[at] ?? 0;
  block.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
