// Owns finding paths in a seed's manifest without reading all of it. Never writes one.
import { open, type FileHandle } from "node:fs/promises";
import { parseRecord, pathOfLine, type SeedRecord } from "./manifest-line.js";
import type { ByteString } from "../tar/entry.js";

export interface SeedManifest extends AsyncDisposable {
  /** O(log n) reads. `path` is relative to the seed's root. */
  lookup(path: Buffer): Promise<SeedRecord | undefined>;
  /** Everything below `folder`, in the order of the bytes of the paths; the empty name is the root. */
  below(folder: Buffer): AsyncIterable<SeedRecord>;
  close(): Promise<void>;
}

interface Line {
  readonly text: ByteString;
  /** Where the next line starts. */
  readonly next: number;
}

interface Lines {
  readonly bytes: number;
  /** What stands in this range, cut at the end of the file. */
  text(offset: number, length: number): Promise<ByteString>;
  /** The first line that starts at or after `offset`, which is above 0. */
  lineFrom(offset: number): Promise<Line | undefined>;
  /** The line that starts at `offset`. */
  lineAt(offset: number): Promise<Line | undefined>;
}

/** A name of 4,096 bytes, escaped, three times: no line is longer. */
const maxLineBytes = 64 * 1024;
const probeBytes = 1024;
/** A range that is read at once instead of being halved again. */
const blockBytes = 16 * 1024;
/** Answers that are kept for later searches: ten halvings, some 200 KB. */
const maxProbed = 1024;
const scanBytes = 256 * 1024;

export async function openSeedManifest(path: string): Promise<SeedManifest> {
  const file = await open(path, "r");
  const { size } = await file.stat();
  const lines = linesOf(file, size);
  const close = async () => file.close();
  return {
    async lookup(wanted) {
      const name = wanted.toString("latin1");
      const line = await lines.lineAt(await lowerBound(lines, name));
      if (line === undefined || pathOfLine(line.text) !== name) return undefined;
      return parseRecord(line.text);
    },
    async *below(folder) {
      const prefix = folder.length === 0 ? "" : `${folder.toString("latin1")}/`;
      for await (const text of scan(file, await lowerBound(lines, prefix))) {
        const record = parseRecord(text);
        if (!record.path.startsWith(prefix)) return;
        yield record;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Where the first line starts whose path is not before `name`, in the order of bytes. */
async function lowerBound(lines: Lines, name: ByteString): Promise<number> {
  // Invariant: a line that starts before `low` is before `name`; one that starts at or after `high` is not.
  let low = 0;
  let high = lines.bytes;
  while (high - low > blockBytes) {
    const middle = Math.floor((low + high) / 2);
    const line = await lines.lineFrom(middle);
    if (line !== undefined && pathOfLine(line.text) < name) low = line.next;
    else high = middle;
  }
  // The rest in one read; `low` is where a line starts.
  const text = await lines.text(low, high - low + maxLineBytes);
  let at = 0;
  while (low + at < high) {
    const end = text.indexOf("\n", at);
    if (end < 0 || pathOfLine(text.slice(at, end)) >= name) break;
    at = end + 1;
  }
  return low + at;
}

function linesOf(file: FileHandle, bytes: number): Lines {
  // Every search starts with the same probes.
  const probed = new Map<number, Line | undefined>();
  const text = async (offset: number, length: number) => readText(file, { offset, length });
  const lineAt = async (offset: number): Promise<Line | undefined> => {
    for (let length = probeBytes; ; length = maxLineBytes) {
      const found = await text(offset, length);
      const end = found.indexOf("\n");
      if (end >= 0) return { text: found.slice(0, end), next: offset + end + 1 };
      if (length === maxLineBytes) return undefined;
    }
  };
  const lineFrom = async (offset: number): Promise<Line | undefined> => {
    if (probed.has(offset)) return probed.get(offset);
    // The line that holds the byte before ends where the wanted one starts.
    const before = await lineAt(offset - 1);
    const line = before === undefined ? undefined : await lineAt(before.next);
    if (probed.size < maxProbed) probed.set(offset, line);
    return line;
  };
  return { bytes, text, lineAt, lineFrom };
}

async function* scan(file: FileHandle, start: number): AsyncIterable<ByteString> {
  let rest = "";
  for (let offset = start; ; offset += scanBytes) {
    const text = await readText(file, { offset, length: scanBytes });
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (text.length < scanBytes) return;
  }
}

async function readText(file: FileHandle, range: { offset: number; length: number }): Promise<ByteString> {
  const buffer = Buffer.alloc(range.length);
  const { bytesRead } = await file.read(buffer, 0, range.length, range.offset);
  return buffer.toString("latin1", 0, bytesRead);
}
