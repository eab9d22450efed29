// Owns cleaning the repositories of an archive as those of a folder are: no token, no credential, no copy of the settings. Never checks entries.
import { posix } from "node:path";
import { PyroError } from "../../base/error.js";
import { isInGitFolder } from "../byte-path.js";
import { cleanConfig, cleanUrls } from "../git/config.js";
import { maxConfigBytes } from "../git/settings.js";
import { displayName, type ByteString } from "../tar/entry.js";
import type { EntrySink } from "../tar/sink.js";
import type { WritableEntry } from "../tar/writer.js";
import { fateOf, isGitFolder, relativeTo, repositoryOf, type Fate } from "./git-fate.js";
import { under } from "./listing.js";

/** Bytes of all files of an archive whose content is changed on its way: settings, logs of branches. */
const maxHeldBytes = 64 * 1024 * 1024;

const alternates = "objects/info/alternates";

const letters: Readonly<Record<string, string>> = { file: "f", directory: "d", symlink: "l", link: "f" };

/** Finds what is a repository among the names of an archive, in whatever order they come. */
export class RepositoryFinder {
  readonly #parts = new Map<ByteString, Set<string>>();

  see(path: ByteString): void {
    const names = path.split("/");
    for (const [index, name] of names.entries()) {
      if (name !== "HEAD" && name !== "objects" && name !== "refs" && name !== ".git") continue;
      const folder = names.slice(0, name === ".git" ? index + 1 : index).join("/");
      const parts = this.#parts.get(folder) ?? new Set();
      this.#parts.set(folder, parts.add(name));
    }
  }

  found(): ReadonlySet<ByteString> {
    const all = [...this.#parts].filter(
      ([folder, parts]) => isGitFolder(folder) || ["HEAD", "objects", "refs"].every((part) => parts.has(part)),
    );
    return new Set(all.map(([folder]) => folder));
  }
}

export interface GitCleaning {
  readonly repositories: ReadonlySet<ByteString>;
  /** Nothing of a `.git` goes on. */
  readonly withoutGit: boolean;
}

interface Held {
  readonly entry: WritableEntry;
  readonly repository: ByteString;
  readonly fate: Fate;
  readonly pieces: Buffer[];
}

/** Hands entries on to a sink; those whose content changes are handed on at the end. */
export class GitCleaner implements Omit<EntrySink, "ready"> {
  readonly #sink: EntrySink;
  readonly #cleaning: GitCleaning;
  readonly #held = new Map<ByteString, Held>();
  readonly #leftOut = new Set<ByteString>();
  #heldBytes = 0;
  #open: "taken" | "left-out" | Held = "left-out";

  constructor(sink: EntrySink, cleaning: GitCleaning) {
    this.#sink = sink;
    this.#cleaning = cleaning;
  }

  add(entry: WritableEntry): void {
    this.#open = this.#placeOf(entry);
    if (this.#open === "taken") this.#sink.add(entry);
    else if (this.#open === "left-out") this.#leftOut.add(entry.path);
    else this.#held.set(entry.path, this.#open);
  }

  write(piece: Buffer): void {
    if (this.#open === "taken") this.#sink.write(piece);
    else if (this.#open !== "left-out") this.#open.pieces.push(Buffer.from(piece));
  }

  end(): void {
    if (this.#open === "taken") this.#sink.end();
  }

  /** After the last entry. */
  async finish(signal: AbortSignal): Promise<void> {
    for (const held of this.#held.values()) {
      const content = await cleaned(held, signal);
      this.#sink.add({ ...held.entry, size: content.length });
      if (content.length > 0) this.#sink.write(content);
      this.#sink.end();
      await this.#sink.ready();
    }
  }

  #placeOf(entry: WritableEntry): "taken" | "left-out" | Held {
    const { path, kind, target } = entry;
    if (this.#cleaning.withoutGit && isInGitFolder(path)) return "left-out";
    const repository = repositoryOf(path, this.#cleaning.repositories);
    const inside = repository === undefined ? undefined : relativeTo(repository, path);
    // What a repository borrows from may lie in the archive as well.
    const fate = inside === undefined || inside === alternates ? "copy" : fateOf(inside, letters[kind] ?? "");
    if (fate === "leave-out") return "left-out";
    // Another name of a file that changes is a file of its own, for its first name comes later.
    const first = kind === "link" ? this.#held.get(target) : undefined;
    if (first !== undefined) return { ...first, entry: { ...entry, kind: "file", target: "" } };
    if (kind === "link" && this.#leftOut.has(target)) return "left-out";
    if (fate === "copy" || repository === undefined || kind !== "file") return "taken";
    this.#heldBytes += entry.size;
    if (this.#heldBytes > maxHeldBytes || (fate === "config" && entry.size > maxConfigBytes)) throw tooLarge(path);
    return { entry, repository, fate, pieces: [] };
  }
}

async function cleaned({ repository, fate, pieces }: Held, signal: AbortSignal): Promise<Buffer> {
  const content = Buffer.concat(pieces);
  if (fate === "urls") return Buffer.from(cleanUrls(content.toString("latin1")), "latin1");
  const change = { checkout: isGitFolder(repository), workTree: workTreeFrom(repository) };
  return cleanConfig(content, change, signal);
}

/** A repository in a folder called .git finds its files by itself; that of a submodule names them, inside the archive. */
function workTreeFrom(repository: ByteString) {
  return (value: ByteString): ByteString | null => {
    if (isGitFolder(repository) || value.startsWith("/")) return null;
    const files = posix.join(under("root", repository), value);
    return files === "root" || files.startsWith("root/") ? value : null;
  };
}

function tooLarge(path: ByteString): PyroError {
  return new PyroError(
    "invalid_argument",
    `The archive is refused: ${JSON.stringify(displayName(path))} is a repository's file that has to be cleaned, and too large for it.`,
    { hint: "Make the archive without the repository's logs, or name the folder instead; nothing of it was kept." },
  );
}
