// Owns what was found in folders of /workspace while one patch is worked out, so that each is listed once. Never lists one.
import type { CurrentEntry } from "../../tree/patch/patch-files.js";

export interface FoundEntry extends CurrentEntry {
  /** From /workspace on. */
  readonly path: Buffer;
}

/** Bytes of one folder's entries that are kept, and of all of them. */
const maxFolderBytes = 16 * 1024 * 1024;
const maxBytes = 64 * 1024 * 1024;
/** Of an entry besides its path and target. */
const entryBytes = 200;

export class FolderEntries {
  readonly #folders = new Map<string, ReadonlyMap<string, CurrentEntry>>();
  #bytes = 0;

  /** The entry at `path`, in a folder that `list` goes through; only as far as it, where the folder is too large to be kept. */
  async find(path: Buffer, folder: Buffer, list: () => AsyncIterable<FoundEntry>): Promise<CurrentEntry | undefined> {
    const known = this.#folders.get(keyOf(folder));
    if (known !== undefined) return known.get(keyOf(path));
    const wanted = keyOf(path);
    const found = new Map<string, CurrentEntry>();
    let bytes = 0;
    let match: CurrentEntry | undefined;
    for await (const { path: each, ...entry } of list()) {
      const key = keyOf(each);
      if (key === wanted) match = entry;
      bytes += entryBytes + key.length + (entry.linkTarget?.length ?? 0);
      if (bytes <= maxFolderBytes) found.set(key, entry);
      else if (match === undefined) found.clear();
      else return match;
    }
    if (bytes <= maxFolderBytes) this.#keep(keyOf(folder), found, bytes);
    return match;
  }

  #keep(folder: string, found: ReadonlyMap<string, CurrentEntry>, bytes: number): void {
    if (this.#bytes + bytes > maxBytes) {
      this.#folders.clear();
      this.#bytes = 0;
    }
    this.#folders.set(folder, found);
    this.#bytes += bytes;
  }
}

function keyOf(path: Buffer): string {
  return path.toString("latin1");
}
