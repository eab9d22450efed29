// Owns reading one tar header block and one pax record list. Never keeps state between blocks.
import { PyroError } from "../../base/error.js";
import { blockBytes, type ByteString } from "./entry.js";

export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  /** The type flag as it stands; an old `\0` is given as `0`. */
  readonly type: string;
  readonly linkName: ByteString;
}

/** Undefined for a block of zeros, which ends an archive. */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  const stated = octal(block, 148, 8);
  if (stated === 0 && block.every((byte) => byte === 0)) return undefined;
  if (stated !== checksum(block)) throw damaged("a header's checksum is wrong");
  const magic = block.toString("latin1", 257, 263);
  // Only POSIX archives split long names; GNU keeps times in that place.
  const prefix = magic === "ustar\0" ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(block, 100, 8) & 0o7777,
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    type: type === "\0" ? "0" : type,
    linkName: text(block, 157, 100),
  };
}

/** Records that one pax header may have: a file's attributes are some dozens. */
const maxPaxRecords = 4096;

/** The records of a pax header by key; a later one of the same key wins, as POSIX says. */
export function decodePax(content: Buffer): ReadonlyMap<string, ByteString> {
  const records = new Map<string, ByteString>();
  let at = 0;
  for (let count = 0; at < content.length; count++) {
    if (count === maxPaxRecords) throw damaged(`a pax header has more than ${maxPaxRecords} records`);
    const space = at + content.subarray(at, at + 17).indexOf(0x20);
    const length = space < at ? Number.NaN : Number(content.toString("latin1", at, space));
    const end = at + length;
    const wellFormed = space > at && Number.isSafeInteger(length) && end > space && end <= content.length;
    const equals = wellFormed ? content.subarray(space, end).indexOf(0x3d) : -1;
    if (equals < 0 || content[end - 1] !== 0x0a) throw damaged("a pax header is malformed");
    const value = space + equals + 1;
    records.set(content.toString("latin1", space + 1, value - 1), content.toString("latin1", value, end - 1));
    at = end;
  }
  return records;
}

export function damaged(why: string): PyroError {
  return new PyroError("invalid_argument", `The archive is damaged or no tar archive: ${why}.`, {
    hint: "Make the archive again, or check that it was copied whole.",
  });
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at++) sum += block[at] ?? 0;
  for (let at = 156; at < blockBytes; at++) sum += block[at] ?? 0;
  return sum;
}

function text(block: Buffer, start: number, length: number): ByteString {
  const end = block.indexOf(0, start);
  return block.toString("latin1", start, end < 0 ? start + length : Math.min(end, start + length));
}

/** Octal digits, or GNU's base 256 with its sign in the first byte. */
function number(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) === 0) return octal(block, start, length);
  const negative = first === 0xff;
  let value = negative ? -1 : first & 0x7f;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + (block[at] ?? 0);
  if (!Number.isSafeInteger(value)) throw damaged("a number in a header is too large");
  return value;
}

function octal(block: Buffer, start: number, length: number): number {
  const digits = text(block, start, length).trim();
  if (!/^[0-7]*$/u.test(digits)) throw damaged("a number in a header is not octal");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}
