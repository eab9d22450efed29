// Owns the base85 lines of git's binary patches, both ways. Never compresses.
import { PyroError } from "../../base/error.js";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const lengths = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Lines of at most 52 bytes each: one character for the length, then five for every four bytes. */
export function encodeBase85(data: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += lengths.length) {
    const part = data.subarray(at, at + lengths.length);
    let line = lengths.charAt(part.length - 1);
    for (let group = 0; group < part.length; group += 4) line += encodeGroup(part, group);
    lines.push(`${line}\n`);
  }
  return lines.join("");
}

function encodeGroup(part: Buffer, group: number): string {
  let value = 0;
  for (let index = 0; index < 4; index += 1) value = value * 256 + (part[group + index] ?? 0);
  let text = "";
  for (let index = 0; index < 5; index += 1) {
    text = alphabet.charAt(value % 85) + text;
    value = Math.floor(value / 85);
  }
  return text;
}

/** The bytes of one line without its end; anything that git would not write is `invalid_argument`. */
export function decodeBase85Line(line: string): Buffer {
  const length = lengths.indexOf(line.charAt(0)) + 1;
  const digits = line.slice(1);
  if (length === 0 || digits.length !== Math.ceil(length / 4) * 5) throw badLine();
  const data = Buffer.alloc(digits.length);
  for (let at = 0, to = 0; at < digits.length; at += 5, to += 4) {
    let value = 0;
    for (const digit of digits.slice(at, at + 5)) {
      const number = alphabet.indexOf(digit);
      if (number === -1) throw badLine();
      value = value * 85 + number;
    }
    if (value > 0xffffffff) throw badLine();
    data.writeUInt32BE(value, to);
  }
  return data.subarray(0, length);
}

function badLine(): PyroError {
  return new PyroError("invalid_argument", "A line of a binary patch is damaged.");
}
