// Owns reading a listing's content into a sink, by the host's tar. Never decides what belongs into it.
import { lstat } from "node:fs/promises";
import { PyroError } from "../../base/error.js";
import type { Progress } from "../../base/progress.js";
import { findProgram, systemPath } from "../../base/host-program.js";
import { startProgram } from "../../environment/running-program.js";
import type { EntrySink } from "./entry-sink.js";
import { byteProgress } from "./byte-progress.js";
import { sourcePath, type CopiedItem, type Item, type Skipped } from "./listing.js";
import { displayName, type ByteString, type TarEntry } from "./tar-entry.js";
import { TarParser, type TarVisitor } from "./tar-parser.js";

export interface ReadResult {
  /** What was listed but could not be read. */
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
  const torn: string[] = [];
  const onBytes = byteProgress(progress, "Reading the seed");
  for (const [root, own] of byRoot(copied)) {
    const matcher = new ItemMatcher(own, sink);
    await readRoot({ root, items: own, signal, onTorn: (name) => torn.push(name), onBytes }, matcher, sink);
    missing.push(...matcher.missing());
  }
  for (const item of items) if (item.kind === "made") await addMade(sink, item, signal);
  const skipped = await Promise.all(
    missing.map(async (item) => ({ path: displayName(item.path), reason: await whyMissing(item) })),
  );
  const inconsistent = torn.length > 0 || missing.some(({ path }) => /(^|\/)\.git\//u.test(path));
  return { skipped, torn, inconsistent };
}

function byRoot(items: readonly CopiedItem[]): Map<string, CopiedItem[]> {
  const groups = new Map<string, CopiedItem[]>();
  for (const item of items) {
    const group = groups.get(item.root);
    if (group === undefined) groups.set(item.root, [item]);
    else group.push(item);
  }
  return groups;
}

interface RootRead {
  readonly root: string;
  readonly items: readonly CopiedItem[];
  readonly signal: AbortSignal;
  readonly onTorn: (name: string) => void;
  readonly onBytes: (bytes: number) => void;
}

const tarArguments =
  "--create --format=gnu --blocking-factor=128 --no-recursion --ignore-failed-read --numeric-owner --owner=0 --group=0 --null --verbatim-files-from --no-unquote".split(
    " ",
  );
const tornPattern = /^.*?tar: (.*): (File shrank by|Read error at)/u;

async function readRoot(read: RootRead, visitor: TarVisitor, sink: EntrySink): Promise<void> {
  const { root, items, signal } = read;
  signal.throwIfAborted();
  // 1: a file changed while it was read; 2: one could not be read. Both show in the stream.
  const command = ['"$@"; test $? -le 2', "sh", await findProgram("tar"), ...tarArguments, "-C", root, "-T", "-"];
  const tar = startProgram({
    command: ["/bin/sh", "-c", ...command],
    env: { PATH: systemPath, LC_ALL: "C" },
    onStderrLine(line) {
      const name = tornPattern.exec(line)?.[1];
      if (name !== undefined) read.onTorn(name);
    },
  });
  signal.addEventListener("abort", tar.kill, { once: true });
  try {
    tar.stdin.end(items.map(({ found }) => `${found.path}\0`).join(""), "latin1");
    const parser = new TarParser(visitor);
    for await (const chunk of tar.stdout) {
      parser.push(chunk as Buffer);
      read.onBytes((chunk as Buffer).length);
      await sink.ready();
    }
    await tar.ended;
    parser.end();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", tar.kill);
    tar.kill();
  }
}

/** Finds the item of each entry of the stream: both are in one order, but the stream may lack some. */
class ItemMatcher implements TarVisitor {
  readonly #items: readonly CopiedItem[];
  readonly #sink: EntrySink;
  readonly #missing: CopiedItem[] = [];
  #next = 0;
  #taken = false;
  #byName: Map<ByteString, CopiedItem> | undefined;

  constructor(items: readonly CopiedItem[], sink: EntrySink) {
    this.#items = items;
    this.#sink = sink;
  }

  entry(entry: TarEntry): void {
    const name = entry.path.endsWith("/") ? entry.path.slice(0, -1) : entry.path;
    const item = this.#find(name);
    const { kind, mode, size, mtime } = entry;
    this.#taken = kind !== "other";
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
        throw new PyroError("internal", `tar gave ${displayName(name)}, which was not asked for.`);
      if (item.found.path === name) {
        this.#next++;
        return item;
      }
      this.#missing.push(item);
    }
  }

  /** tar names a hard link's file as it is below the root; the seed has it somewhere else. */
  #targetOf({ kind, target }: TarEntry): ByteString {
    if (kind !== "link") return target;
    this.#byName ??= new Map(this.#items.map((item) => [item.found.path, item]));
    return this.#byName.get(target)?.path ?? target;
  }
}

async function addMade(sink: EntrySink, item: Extract<Item, { kind: "made" }>, signal: AbortSignal): Promise<void> {
  const content = await item.content?.(signal);
  const entry = { path: item.path, mtime: item.changed, target: "" };
  if (content === undefined) sink.add({ ...entry, kind: "directory", mode: 0o755, size: 0 });
  else {
    sink.add({ ...entry, kind: "file", mode: 0o644, size: content.length });
    if (content.length > 0) sink.write(content);
  }
  sink.end();
  await sink.ready();
}

async function whyMissing(item: CopiedItem): Promise<string> {
  const there = await lstat(sourcePath(item)).then(
    () => true,
    () => false,
  );
  return there ? "could not be read" : "vanished while it was read";
}
