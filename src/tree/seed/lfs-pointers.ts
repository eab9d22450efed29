// Owns telling which files of a seed are Git LFS pointers, by their content on its way in. Never fetches what they stand for.
import { isInGitFolder } from "../byte-path.js";
import { displayName, type ByteString } from "../tar/entry.js";
import type { EntrySink } from "../tar/sink.js";
import type { WritableEntry } from "../tar/writer.js";
import type { Skipped } from "./listing.js";

/** A pointer by the specification of Git LFS, whichever address that has. */
const pointerPattern = /^version https:\/\/[\w.-]+\/spec\/v\d+\n(ext-[^\n]*\n)*oid \w+:[0-9a-f]+\nsize \d+\n?$/u;
/** Bytes that one has: at least, with the shortest address, and at most. */
const minPointerBytes = 50;
const maxPointerBytes = 1024;

/** Hands everything on. */
export class PointerFinder implements EntrySink {
  readonly #sink: EntrySink;
  readonly #found: ByteString[] = [];
  #path: ByteString | undefined;
  #pieces: Buffer[] = [];

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  add(entry: WritableEntry): void {
    const { path, kind, size } = entry;
    const fits = kind === "file" && size >= minPointerBytes && size <= maxPointerBytes;
    this.#path = fits && !isInGitFolder(path) ? path : undefined;
    this.#pieces = [];
    this.#sink.add(entry);
  }

  write(piece: Buffer): void {
    if (this.#path !== undefined) this.#pieces.push(piece);
    this.#sink.write(piece);
  }

  end(): void {
    const isPointer = () => pointerPattern.test(Buffer.concat(this.#pieces).toString("latin1"));
    if (this.#path !== undefined && isPointer()) this.#found.push(this.#path);
    this.#path = undefined;
    this.#sink.end();
  }

  async ready(): Promise<void> {
    return this.#sink.ready();
  }

  notices(): readonly Skipped[] {
    const why = "their contents are not in the source; `git lfs pull` in a checkout on the host gets them";
    return pointerNotices(this.#found.map(displayName), why);
  }
}

const maxNamed = 5;

/** One line for all of them: there may be thousands. */
export function pointerNotices([first, ...more]: readonly string[], why: string): readonly Skipped[] {
  if (first === undefined) return [];
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  const named =
    more.length === 0 ? "" : `${more.slice(0, maxNamed).join(", ")}${more.length > maxNamed ? ", …" : ""}; `;
  return [{ path: first, reason: `${pointer}${others}: ${named}${why}` }];
}

export function isPointerNotice({ reason }: Skipped): boolean {
  return reason.startsWith(pointer);
}

const pointer = "a Git LFS pointer";
