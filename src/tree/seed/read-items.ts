// Owns reading a listing's content into a sink, from the folders that were opened for the listing. Never decides what belongs into it.
import { PyroError } from "../../base/error.js";
import type { Progress } from "../../base/progress.js";
import type { EntrySink } from "../tar/sink.js";
import { copyProgress, type CopyProgress } from "./copy-progress.js";
import { findBelow, type HostFolder } from "./host-folder.js";
import { walkBelow } from "./host-walk.js";
import { byFolder, type CopiedItem, type Item, type MadeItem, type Note, type Skipped } from "./listing.js";
import { displayName, type ByteString, type TarEntry } from "../tar/entry.js";
import { TarParser, type TarVisitor } from "../tar/parser.js";

export interface ReadResult {
  /** What was listed but could not be read, and what else is to be known of what was. */
  readonly skipped: readonly Skipped[];
  /** Names of files that became shorter while they were read, so that the seed holds zeros that never were there. */
  readonly torn: readonly string[];
  /** A file of a repository went away or a file was torn: what was read does not belong together. */
  readonly inconsistent: boolean;
}

export interface ReadTask {
  readonly items: readonly Item[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Copies every item into `sink`. Files that grow are read up to the size that they had when they were opened. */
export async function readItems(sink: EntrySink, { items, signal, progress }: ReadTask): Promise<ReadResult> {
  const copied = items.flatMap((item) => (item.kind === "copied" ? [item] : []));
  const missing: CopiedItem[] = [];
  const lost: MadeItem[] = [];
  const torn: string[] = [];
  const copy = copyProgress(progress, copied.filter(({ found }) => found.type !== "d").length);
  for (const [root, own] of byFolder(copied)) {
    const matcher = new ItemMatcher(own, sink, copy);
    await readRoot({ root, items: own, signal, onTorn: (name) => torn.push(name), onBytes: copy.bytes }, matcher, sink);
    missing.push(...matcher.missing());
  }
  const skipped: Skipped[] = [];
  const making = { signal, note: (said: Skipped) => void skipped.push(said) };
  for (const item of items) {
    if (item.kind === "made" && !(await addMade(sink, item, making))) lost.push(item);
  }
  for (const { path } of lost) skipped.push({ path: displayName(path), reason: "vanished while it was read" });
  for (const item of missing) skipped.push({ path: displayName(item.path), reason: await whyMissing(item) });
  const inconsistent = torn.length > 0 || [...missing, ...lost].some(({ path }) => /(^|\/)\.git\//u.test(path));
  return { skipped, torn, inconsistent };
}

interface RootRead {
  readonly root: HostFolder;
  readonly items: readonly CopiedItem[];
  readonly signal: AbortSignal;
  readonly onTorn: (name: string) => void;
  readonly onBytes: (bytes: number) => void;
}

async function readRoot(read: RootRead, visitor: TarVisitor, sink: EntrySink): Promise<void> {
  const { root, items, signal } = read;
  const walk = {
    folder: root,
    mode: "pack",
    input: items.map(({ found }) => `${found.type}${found.path}\0`).join(""),
    signal,
    onStderrLine(line: string) {
      const name = /^torn (\S+)$/u.exec(line)?.[1];
      if (name !== undefined) read.onTorn(Buffer.from(name, "base64").toString("utf8"));
    },
  } as const;
  await walkBelow(walk, async (stdout) => {
    const parser = new TarParser(visitor);
    for await (const chunk of stdout) {
      parser.push(chunk as Buffer);
      read.onBytes((chunk as Buffer).length);
      await sink.ready();
    }
    parser.end();
  });
}

/** Finds the item of each entry of the stream: both are in one order, but the stream may lack some. */
class ItemMatcher implements TarVisitor {
  readonly #items: readonly CopiedItem[];
  readonly #sink: EntrySink;
  readonly #copy: CopyProgress;
  readonly #missing: CopiedItem[] = [];
  #next = 0;
  #taken = false;
  #byName: Map<ByteString, CopiedItem> | undefined;

  constructor(items: readonly CopiedItem[], sink: EntrySink, copy: CopyProgress) {
    this.#copy = copy;
    this.#items = items;
    this.#sink = sink;
  }

  entry(entry: TarEntry): void {
    const name = entry.path.endsWith("/") ? entry.path.slice(0, -1) : entry.path;
    const item = this.#find(name);
    const { kind, mode, size, mtime } = entry;
    this.#taken = kind !== "other";
    if (kind !== "directory") this.#copy.file(item.path);
    if (kind === "other") this.#missing.push(item);
    else this.#sink.add({ path: item.path, kind, mode, size, mtime, target: this.#targetOf(entry) });
  }

  content(piece: Buffer): void {
    if (this.#taken) this.#sink.write(piece);
  }

  entryEnd(): void {
    if (this.#taken) this.#sink.end();
  }

  missing(): readonly CopiedItem[] {
    return [...this.#missing, ...this.#items.slice(this.#next)];
  }

  #find(name: ByteString): CopiedItem {
    for (; ; this.#next++) {
      const item = this.#items[this.#next];
      if (item === undefined)
        throw new PyroError("internal", `The walker gave ${displayName(name)}, which was not asked for.`);
      if (item.found.path === name) {
        this.#next++;
        return item;
      }
      this.#missing.push(item);
    }
  }

  /** A hard link's file is named as it is below the root; the seed has it somewhere else. */
  #targetOf({ kind, target }: TarEntry): ByteString {
    if (kind !== "link") return target;
    this.#byName ??= new Map(this.#items.map((item) => [item.found.path, item]));
    return this.#byName.get(target)?.path ?? target;
  }
}

/** False when what it is made from is no longer there. */
async function addMade(
  sink: EntrySink,
  item: MadeItem,
  { signal, note }: { readonly signal: AbortSignal; readonly note: Note },
): Promise<boolean> {
  const content = await item.content?.(signal, note);
  if (content === undefined && item.content !== undefined) return false;
  const entry = { path: item.path, mtime: item.changed, target: "" };
  if (content === undefined) sink.add({ ...entry, kind: "directory", mode: 0o755, size: 0 });
  else {
    sink.add({ ...entry, kind: "file", mode: 0o644, size: content.length });
    if (content.length > 0) sink.write(content);
  }
  sink.end();
  await sink.ready();
  return true;
}

async function whyMissing({ root, found }: CopiedItem): Promise<string> {
  await using there = await findBelow(root, found.path);
  return there === undefined ? "vanished while it was read" : "could not be read";
}
