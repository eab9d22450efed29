// Owns having small files at hand before they are read: one call to the guest for many. Never believes them any more than others.
import { inTurns } from "../../base/in-turns.js";
import type { ChangeSource, OpenedFile, SmallContent, SmallFile } from "./source.js";

/** One that will be read soon. */
export interface Upcoming extends SmallFile {
  /** Bytes that it is said to have. */
  readonly size: number;
}

export interface ReadAheadSource extends ChangeSource {
  /** Fetches those that are small, in place of what was fetched before. */
  ahead(files: readonly Upcoming[], signal: AbortSignal): Promise<void>;
}

/** Bounds of one call, and with it of what is kept. */
const maxFiles = 512;
const maxFileBytes = 64 * 1024;
const maxBytes = 8 * 1024 * 1024;

export function readAhead(source: ChangeSource): ReadAheadSource {
  let atHand = new Map<string, SmallContent>();
  const opened = (file: SmallFile): OpenedFile | undefined => {
    const content = atHand.get(keyOf(file));
    return content === undefined
      ? undefined
      : { mode: content.mode, size: content.data.length, chunks: chunksOf(content.data) };
  };
  return {
    touched: (signal) => source.touched(signal),
    statNew: (path, signal) => source.statNew(path, signal),
    openNew: async (path, signal) => opened({ root: "workspace", path }) ?? source.openNew(path, signal),
    openOld: async (path, signal) => opened({ root: "seed", path }) ?? source.openOld(path, signal),
    readSmall: (files, signal) => source.readSmall(files, signal),
    ahead: async (files, signal) => {
      atHand = new Map();
      const small = files.filter(isSmall);
      if (small.length < 2) return;
      for (const [index, content] of await source.readSmall(small, signal)) {
        const file = small[index];
        if (file !== undefined) atHand.set(keyOf(file), content);
      }
    },
  };
}

export interface Reading<Item> {
  readonly source: ReadAheadSource;
  /** What will be read of an item. */
  readonly upcoming: (item: Item) => readonly Upcoming[];
  /** Bytes that it is worth while to have at hand; all that is allowed when absent. */
  readonly hopeful?: () => number;
  readonly signal: AbortSignal;
}

/** The items one by one; before each group of them, its small files are fetched. */
export async function* readingAhead<Item>(items: readonly Item[], reading: Reading<Item>): AsyncGenerator<Item> {
  const { source, upcoming, hopeful, signal } = reading;
  let group: Item[] = [];
  let wanted: Upcoming[] = [];
  let bytes = 0;
  for (const item of items) {
    const files = upcoming(item).filter(isSmall);
    const more = files.reduce((sum, { size }) => sum + size, 0);
    const most = Math.min(maxBytes, hopeful?.() ?? maxBytes);
    if (wanted.length > 0 && (wanted.length + files.length > maxFiles || bytes + more > most)) {
      await source.ahead(wanted, signal);
      yield* inTurns(group, signal);
      [group, wanted, bytes] = [[], [], 0];
    }
    group.push(item);
    wanted.push(...files);
    bytes += more;
  }
  await source.ahead(wanted, signal);
  yield* inTurns(group, signal);
}

function isSmall({ size }: Upcoming): boolean {
  return size > 0 && size <= maxFileBytes;
}

function keyOf({ root, path }: SmallFile): string {
  return `${root}:${path.toString("latin1")}`;
}

async function* chunksOf(data: Uint8Array): AsyncGenerator<Uint8Array> {
  if (data.length > 0) yield data;
}
