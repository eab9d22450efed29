// Owns making tar streams of any entries, sane or hostile, for the tests of export. Never checks one.
import { spawn } from "node:child_process";
import { PassThrough } from "node:stream";

export interface TestEntry {
  /** One character per byte; written as a pax record. */
  readonly name: string;
  /** The tar type flag; a regular file when absent. */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly target?: string;
  readonly mode?: number;
  readonly mtime?: number;
}

export function tarOf(entries: readonly TestEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryBytes), Buffer.alloc(1024)]);
}

function entryBytes({
  name,
  type = "0",
  content = "",
  target = "",
  mode = 0o644,
  mtime = 1_700_000_000,
}: TestEntry): Buffer {
  const data = typeof content === "string" ? Buffer.from(content) : content;
  const records = Buffer.from(record("path", name) + (target === "" ? "" : record("linkpath", target)), "latin1");
  return Buffer.concat([
    header({ type: "x", size: records.length, mode: 0o644, mtime }),
    padded(records),
    header({ type, size: data.length, mode, mtime }),
    padded(data),
  ]);
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
  return `${length}${rest}`;
}

function header({ type, size, mode, mtime }: { type: string; size: number; mode: number; mtime: number }): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write("name", 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(mtime, 11), 136);
  block.fill(0x20, 148, 156);
  block.write(type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

/** In uneven pieces, as a stream brings them. */
export async function* streamOf(data: Buffer, piece = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += piece) yield data.subarray(at, at + piece);
}

/** What GNU tar makes of a folder. */
export function realTar(parent: string, name: string): AsyncIterable<Uint8Array> {
  const args = ["--format=pax", "-C", parent, "-cf", "-", "--", name];
  // Piped at once: a child that ends before it is read has its output dropped.
  return spawn("tar", args, { stdio: ["ignore", "pipe", "ignore"] }).stdout.pipe(new PassThrough());
}
