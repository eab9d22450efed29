// Owns deciding whether the entries of an archive may become a seed. Never reads or writes bytes of content.
import { PyroError } from "../../base/error.js";
import { shortened } from "../../base/text.js";
import { displayName, maxPathParts, type ByteString, type TarEntry } from "../tar/entry.js";
import type { WritableEntry } from "../tar/writer.js";

export interface ArchiveLimits {
  /** Folders that only names of others tell of included. */
  readonly entries: number;
  /** Of all files together. */
  readonly contentBytes: number;
  /** Of one name or link target. */
  readonly nameBytes: number;
  /** Of all names and link targets together: they are kept in memory until the archive's end. */
  readonly allNameBytes: number;
}

export const archiveLimits: ArchiveLimits = {
  entries: 2_000_000,
  contentBytes: 20 * 1024 ** 3,
  nameBytes: 4096,
  allNameBytes: 256 * 1024 ** 2,
};

/** Longest part between two slashes that Linux takes, in bytes. */
const maxPartBytes = 255;
/** Symbolic links that Linux follows before it gives up. */
const maxFollowed = 40;
/** Parts of paths that are looked at for all links together: some seconds; and for one, so that others get their turn. */
const maxLinkSteps = 20_000_000;
const maxStepsOfLink = 200_000;
/** Names that `finish` looks at before it lets its caller pause. */
const namesPerTurn = 256;

/** What a name of the archive is so far; `implied` is a folder that has had no entry of its own, with its time. */
type Known =
  | { readonly is: "folder" }
  | { readonly is: "file" }
  | { readonly is: "implied"; readonly mtime: number }
  | { readonly is: "symlink"; readonly target: ByteString };

export class ArchiveCheck {
  readonly #known = new Map<ByteString, Known>();
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #contentBytes = 0;
  #allNameBytes = 0;
  #linkSteps = 0;

  constructor(limits: ArchiveLimits = archiveLimits) {
    this.#limits = limits;
  }

  /** The entry as it enters the seed; undefined when it adds nothing; refused by name when it may not. */
  accept(entry: TarEntry): WritableEntry | undefined {
    this.#count(entry);
    if (entry.kind === "other") throw refused(entry.path, `is ${entry.what}`);
    const path = this.#cleanPath(entry.path, entry.path);
    if (path === "") {
      if (entry.kind === "directory") return undefined;
      throw refused(entry.path, "is the root, but no folder");
    }
    if (entry.path.endsWith("/") && entry.kind !== "directory")
      throw refused(entry.path, "ends with a slash, but is no folder");
    const parents = this.#newParents(path, entry.path);
    const before = this.#known.get(path);
    if (before !== undefined && (entry.kind !== "directory" || (before.is !== "implied" && before.is !== "folder"))) {
      throw refused(entry.path, "is there twice");
    }
    // The first entry of a folder counts.
    if (before?.is === "folder") return undefined;
    const accepted = this.#enter({ ...entry, kind: entry.kind, path });
    this.#countNames([path, accepted.target, ...parents]);
    for (const parent of parents) this.#known.set(parent, { is: "implied", mtime: entry.mtime });
    return accepted;
  }

  /**
   * Checks what only the whole archive shows, and gives the folders that had no entry of their own; undefined now and then,
   * when the caller may let others work.
   */
  *finish(): Generator<WritableEntry | undefined> {
    let count = 0;
    for (const [path, known] of this.#known) {
      count += 1;
      if (known.is === "symlink") this.#checkSymlink(path, known.target);
      if (known.is === "implied")
        yield { path, kind: "directory", mode: 0o755, size: 0, mtime: known.mtime, target: "" };
      else if (known.is === "symlink" || count % namesPerTurn === 0) yield undefined;
    }
  }

  #count(entry: TarEntry): void {
    this.#entries += 1;
    this.#contentBytes += entry.size;
    const { entries, contentBytes } = this.#limits;
    if (this.#entries > entries) throw tooLarge(`has more than ${entries} entries`);
    if (this.#contentBytes > contentBytes) throw tooLarge(`holds more than ${contentBytes} bytes of files`);
  }

  /** Of an entry's path, its target and the folders that it implies. */
  #countNames([path = "", target = "", ...implied]: readonly ByteString[]): void {
    this.#entries += implied.length;
    this.#allNameBytes += path.length + target.length;
    for (const folder of implied) this.#allNameBytes += folder.length;
    const { entries, allNameBytes } = this.#limits;
    if (this.#entries > entries) throw tooLarge(`has more than ${entries} entries and folders`);
    if (this.#allNameBytes > allNameBytes) throw tooLarge(`has names of more than ${allNameBytes} bytes`);
  }

  /** Without `.` and doubled slashes; `name` is the entry to blame. */
  #cleanPath(path: ByteString, name: ByteString): ByteString {
    if (path.length > this.#limits.nameBytes) throw refused(name, `has a name of ${path.length} bytes`);
    if (path === "") throw refused(name, "has an empty name");
    if (path.startsWith("/")) throw refused(name, "has an absolute path");
    if (path.includes("\0")) throw refused(name, "has a NUL in its name");
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.length > maxPathParts) throw refused(name, `is nested more than ${maxPathParts} deep`);
    if (parts.includes("..")) throw refused(name, "leads out of its folder by `..`");
    if (parts.some((part) => part.length > maxPartBytes))
      throw refused(name, `has a part of over ${maxPartBytes} bytes`);
    return parts.join("/");
  }

  /** The folders above `path` that no entry has named yet; `name` is the entry to blame for what is no folder. */
  #newParents(path: ByteString, name: ByteString): readonly ByteString[] {
    const parents: ByteString[] = [];
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      const known = this.#known.get(parent);
      if (known?.is === "folder" || known?.is === "implied") break;
      if (known !== undefined) {
        const what = known.is === "symlink" ? "a symbolic link" : "a file";
        throw refused(name, `goes through ${displayName(parent)}, which is ${what}`);
      }
      parents.push(parent);
    }
    return parents;
  }

  #enter(entry: WritableEntry): WritableEntry {
    const { path, mode, size, mtime } = entry;
    const plain = { path, mode, size, mtime, target: "" };
    switch (entry.kind) {
      case "file":
        this.#known.set(path, { is: "file" });
        return { ...plain, kind: "file" };
      case "directory":
        this.#known.set(path, { is: "folder" });
        return { ...plain, kind: "directory" };
      case "symlink":
        this.#checkTarget(entry);
        this.#known.set(path, { is: "symlink", target: entry.target });
        return { ...plain, kind: "symlink", target: entry.target };
      case "link":
        return this.#enterLink(entry);
    }
  }

  #enterLink(entry: WritableEntry): WritableEntry {
    const target = this.#cleanPath(entry.target, entry.path);
    const known = this.#known.get(target);
    if (known?.is !== "file" && known?.is !== "symlink") {
      throw refused(
        entry.path,
        `is a hard link to ${displayName(entry.target)}, which is no earlier file of the archive`,
      );
    }
    this.#known.set(entry.path, known);
    if (known.is === "file") return { ...entry, target };
    // Written as a symbolic link of its own, which has to stay inside from its own place too.
    this.#checkTarget({ ...entry, target: known.target });
    return { ...entry, kind: "symlink", target: known.target };
  }

  #checkTarget({ path, target }: WritableEntry): void {
    if (target === "") throw refused(path, "is a symbolic link to nothing");
    if (target.includes("\0")) throw refused(path, "is a symbolic link to a name with a NUL");
    if (target.length > this.#limits.nameBytes) throw refused(path, `is a symbolic link of ${target.length} bytes`);
    if (target.startsWith("/")) throw refused(path, `is a symbolic link to the absolute path ${displayName(target)}`);
    let depth = path.split("/").length - 1;
    for (const part of target.split("/")) {
      if (part === "..") depth -= 1;
      else if (part !== "" && part !== ".") depth += 1;
      if (depth < 0) throw refused(path, `is a symbolic link that leaves the archive: ${displayName(target)}`);
    }
  }

  /** The same along the links that the target leads through: `..` after a link counts from where that one points. */
  #checkSymlink(path: ByteString, target: ByteString): void {
    const place = path.split("/").slice(0, -1);
    const ahead = target.split("/").toReversed();
    const before = this.#linkSteps;
    for (let followed = 0; followed <= maxFollowed;) {
      const part = ahead.pop();
      if (part === undefined) return;
      // Nothing of the archive lies that deep.
      const isBeyond = place.length >= maxPathParts;
      this.#linkSteps += isBeyond ? 1 : 1 + place.length;
      if (this.#linkSteps > maxLinkSteps || this.#linkSteps - before > maxStepsOfLink)
        throw tooLarge("has symbolic links that lead through too many others");
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (place.pop() === undefined) {
          throw refused(path, `is a symbolic link that leaves the archive through another: ${displayName(target)}`);
        }
        continue;
      }
      const known = isBeyond ? undefined : this.#known.get([...place, part].join("/"));
      if (known?.is !== "symlink") {
        place.push(part);
        continue;
      }
      followed += 1;
      ahead.push(...known.target.split("/").toReversed());
    }
  }
}

function refused(name: ByteString, why: string): PyroError {
  const shown = shortened(displayName(name.slice(0, 2048)), 512);
  return new PyroError("invalid_argument", `The archive is refused: ${JSON.stringify(shown)} ${why}.`, {
    hint: "Make the archive without that entry; nothing of it was kept.",
    details: { entry: shown },
  });
}

function tooLarge(why: string): PyroError {
  return new PyroError("invalid_argument", `The archive is refused: it ${why}.`, {
    hint: "Make a smaller archive; nothing of it was kept.",
  });
}
