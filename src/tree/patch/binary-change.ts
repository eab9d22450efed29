// Owns git's binary patches: reading them, and applying git's delta. Never checks blob ids.
import { inflateSync } from "node:zlib";
import { decodeBase85Line } from "../git/base85.js";
import { type PatchLines, damagedPatch } from "./patch-lines.js";
import type { BinaryChange } from "./patch-text.js";

const maxBinaryBytes = 50 * 1024 * 1024;

/** The forward part; the reverse part is passed over. Undefined where no binary part starts. */
export function parseBinary(lines: PatchLines): BinaryChange | undefined {
  const start = lines.peek();
  if (start?.startsWith("Binary files ") === true || start?.startsWith("Files ") === true) {
    throw damagedPatch(lines.number, "it says only that binary files differ; make it with `git diff --binary`");
  }
  if (start?.replace(/\r$/u, "") !== "GIT binary patch") return undefined;
  lines.next();
  const forward = parsePart(lines);
  if (forward === undefined) throw damagedPatch(lines.number, "the binary patch has no literal or delta");
  parsePart(lines);
  return forward;
}

function parsePart(lines: PatchLines): BinaryChange | undefined {
  const line = lines.number;
  const match = /^(literal|delta) (\d{1,12})\r?$/u.exec(lines.peek() ?? "");
  if (match === null) return undefined;
  lines.next();
  const size = Number(match[2]);
  if (size > maxBinaryBytes) throw damagedPatch(line, `binary content of ${size} bytes is more than ${maxBinaryBytes}`);
  const packed: Buffer[] = [];
  for (let text = lines.next(); text !== undefined && text.trim() !== ""; text = lines.next()) {
    packed.push(decodeLine(text.trimEnd(), lines.number - 1));
  }
  return { kind: match[1] === "literal" ? "literal" : "delta", data: unpack(Buffer.concat(packed), { size, line }) };
}

function decodeLine(text: string, line: number): Buffer {
  try {
    return decodeBase85Line(text);
  } catch {
    throw damagedPatch(line, "a line of binary content is malformed");
  }
}

function unpack(packed: Buffer, { size, line }: { size: number; line: number }): Buffer {
  try {
    const data = inflateSync(packed, { maxOutputLength: Math.max(1, size) });
    if (data.length === size) return data;
  } catch {
    // Reported below.
  }
  throw damagedPatch(line, `the binary content does not unpack to ${size} bytes`);
}

/** Undefined when the delta does not fit the old content. */
export function applyDelta(old: Buffer, delta: Buffer): Buffer | undefined {
  const reader = { at: 0 };
  const oldSize = readSize(delta, reader);
  const newSize = readSize(delta, reader);
  if (oldSize !== old.length || newSize > maxBinaryBytes) return undefined;
  const parts: Buffer[] = [];
  let total = 0;
  while (reader.at < delta.length) {
    const part = readPart(old, delta, reader);
    total += part?.length ?? 0;
    if (part === undefined || total > newSize) return undefined;
    parts.push(part);
  }
  return total === newSize ? Buffer.concat(parts) : undefined;
}

function readPart(old: Buffer, delta: Buffer, reader: { at: number }): Buffer | undefined {
  const code = readByte(delta, reader);
  if (code === 0) return undefined;
  if (code < 0x80) {
    const part = delta.subarray(reader.at, reader.at + code);
    reader.at += code;
    return part.length === code ? part : undefined;
  }
  let offset = 0;
  let length = 0;
  for (let bit = 0; bit < 4; bit += 1) if ((code & (1 << bit)) !== 0) offset += readByte(delta, reader) * 256 ** bit;
  for (let bit = 0; bit < 3; bit += 1) if ((code & (16 << bit)) !== 0) length += readByte(delta, reader) * 256 ** bit;
  if (length === 0) length = 0x10000;
  return offset + length <= old.length ? old.subarray(offset, offset + length) : undefined;
}

function readSize(delta: Buffer, reader: { at: number }): number {
  let size = 0;
  for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
    const byte = readByte(delta, reader);
    size += (byte & 0x7f) * factor;
    if (byte < 0x80) return size;
  }
  return Number.POSITIVE_INFINITY;
}

/** 0 beyond the end, which the callers' size checks catch. */
function readByte(delta: Buffer, reader: { at: number }): number {
  const byte = delta[reader.at] ?? 0;
  reader.at += 1;
  return byte;
}
