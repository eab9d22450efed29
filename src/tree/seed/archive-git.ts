// Owns cleaning the repositories of an archive as those of a folder are: no token, no credential, no copy of the settings. Never checks entries.
import { posix } from "node:path";
import { PyroError } from "../../base/error.js";
import { Turns } from "../../base/in-turns.js";
import { isInGitFolder } from "../byte-path.js";
import { cleanConfig, cleanUrls, type CleanedConfig } from "../git/config.js";
import { maxConfigBytes } from "../git/settings.js";
import { displayName, type ByteString } from "../tar/entry.js";
import type { EntrySink } from "../tar/sink.js";
import type { WritableEntry } from "../tar/writer.js";
import { fateOf, isGitFolder, relativeTo, repositoryOf } from "./git-fate.js";
import { under, type Skipped } from "./listing.js";

/** Bytes of all files of an archive whose content is changed on its way: settings, logs of branches. */
const maxHeldBytes = 64 * 1024 * 1024;

const alternates = "objects/info/alternates";

const letters: Readonly<Record<string, string>> = { file: "f", directory: "d", symlink: "l", link: "f" };

/** Settings that are cleaned, each by a program of its own. */
const maxConfigs = 1000;

/** Finds what is a repository among the names of an archive, in whatever order they come. */
export class RepositoryFinder {
  readonly #parts = new Map<ByteString, Set<string>>();
  /** Of each hard link: the name under which its file has come. */
  readonly #firstNames = new Map<ByteString, ByteString>();

  see({ path, kind, target }: WritableEntry): void {
    if (kind === "link") this.#firstNames.set(path, this.#firstNames.get(target) ?? target);
    const names = path.split("/");
    for (const [index, name] of names.entries()) {
      if (name !== "HEAD" && name !== "objects" && name !== "refs" && name !== ".git") continue;
      const folder = names.slice(0, name === ".git" ? index + 1 : index).join("/");
      const parts = this.#parts.get(folder) ?? new Set();
      this.#parts.set(folder, parts.add(name));
    }
  }

  found(): GitFound {
    const all = [...this.#parts].filter(
      ([folder, parts]) => isGitFolder(folder) || ["HEAD", "objects", "refs"].every((part) => parts.has(part)),
    );
    const repositories = new Set(all.map(([folder]) => folder));
    const changes = new Map<ByteString, Change>();
    for (const [path, first] of this.#firstNames) {
      const change = stricter(changes.get(first), changeOf(path, repositories));
      if (change !== undefined) changes.set(first, change);
    }
    return { repositories, changes };
  }
}

/** How a file's content changes on its way. */
interface Change {
  readonly repository: ByteString;
  readonly fate: "config" | "urls";
}

export interface GitFound {
  readonly repositories: ReadonlySet<ByteString>;
  /** What a file becomes for the sake of its other names, by the one under which it comes. */
  readonly changes: ReadonlyMap<ByteString, Change>;
}

export interface GitCleaning extends GitFound {
  /** Nothing of a `.git` goes on. */
  readonly withoutGit: boolean;
}

interface Held extends Change {
  readonly entry: WritableEntry;
  readonly pieces: Buffer[];
  /** Its other names, which can only follow it. */
  readonly links: WritableEntry[];
}

/** Hands entries on to a sink; those whose content changes are handed on at the end. */
export class GitCleaner implements Omit<EntrySink, "ready"> {
  readonly #sink: EntrySink;
  readonly #cleaning: GitCleaning;
  readonly #held = new Map<ByteString, Held>();
  readonly #leftOut = new Set<ByteString>();
  #heldBytes = 0;
  #configs = 0;
  #open: "taken" | "left-out" | Held = "left-out";

  constructor(sink: EntrySink, cleaning: GitCleaning) {
    this.#sink = sink;
    this.#cleaning = cleaning;
  }

  add(entry: WritableEntry): void {
    const place = this.#placeOf(entry);
    this.#open = place;
    if (place === "taken") this.#sink.add(entry);
    else if (place === "left-out") this.#leftOut.add(entry.path);
    else {
      this.#held.set(entry.path, place);
      if (entry.kind !== "link") return;
      place.links.push(entry);
      this.#open = "left-out";
    }
  }

  write(piece: Buffer): void {
    if (this.#open === "taken") this.#sink.write(piece);
    else if (this.#open !== "left-out") this.#open.pieces.push(Buffer.from(piece));
  }

  end(): void {
    if (this.#open === "taken") this.#sink.end();
  }

  /** After the last entry. Answers what is to be known of what was cleaned. */
  async finish(signal: AbortSignal): Promise<readonly Skipped[]> {
    const turns = new Turns();
    const said: Skipped[] = [];
    for (const held of new Set(this.#held.values())) {
      const { content, notes } = await cleaned(held, signal);
      said.push(...notes.map((reason) => ({ path: displayName(held.entry.path), reason })));
      this.#sink.add({ ...held.entry, size: content.length });
      if (content.length > 0) this.#sink.write(content);
      this.#sink.end();
      for (const link of held.links) {
        this.#sink.add({ ...link, target: held.entry.path });
        this.#sink.end();
        if (!turns.due()) continue;
        await this.#sink.ready();
        await turns.pause();
        signal.throwIfAborted();
      }
      await this.#sink.ready();
    }
    return said;
  }

  #placeOf(entry: WritableEntry): "taken" | "left-out" | Held {
    const { path, kind, target } = entry;
    if (this.#cleaning.withoutGit && isInGitFolder(path)) return "left-out";
    const repository = repositoryOf(path, this.#cleaning.repositories);
    const inside = repository === undefined ? undefined : relativeTo(repository, path);
    // What a repository borrows from may lie in the archive as well.
    const fate = inside === undefined || inside === alternates ? "copy" : fateOf(inside, letters[kind] ?? "");
    if (fate === "leave-out") return "left-out";
    if (kind === "link") return this.#held.get(target) ?? (this.#leftOut.has(target) ? "left-out" : "taken");
    if (kind !== "file") return "taken";
    const change = stricter(changeOf(path, this.#cleaning.repositories), this.#cleaning.changes.get(path));
    if (change === undefined) return "taken";
    this.#heldBytes += entry.size;
    if (this.#heldBytes > maxHeldBytes || (change.fate === "config" && entry.size > maxConfigBytes)) {
      throw tooLarge(path);
    }
    if (change.fate === "config" && ++this.#configs > maxConfigs) throw tooMany();
    return { ...change, entry, pieces: [], links: [] };
  }
}

/** What becomes of a file of this name, where its content changes. */
function changeOf(path: ByteString, repositories: ReadonlySet<ByteString>): Change | undefined {
  const repository = repositoryOf(path, repositories);
  const fate = repository === undefined ? "copy" : fateOf(relativeTo(repository, path), "f");
  return repository !== undefined && (fate === "config" || fate === "urls") ? { repository, fate } : undefined;
}

/** Cleaned settings have no passwords in URLs either. */
function stricter(one: Change | undefined, other: Change | undefined): Change | undefined {
  return one?.fate === "config" ? one : (other ?? one);
}

async function cleaned({ repository, fate, pieces }: Held, signal: AbortSignal): Promise<CleanedConfig> {
  const content = Buffer.concat(pieces);
  if (fate === "urls") return { content: Buffer.from(cleanUrls(content.toString("latin1")), "latin1"), notes: [] };
  const checkout = isGitFolder(repository);
  const hooksPath = async (value: ByteString, workTree: ByteString | undefined) =>
    Promise.resolve(value === "/dev/null" || isInside(filesOf(repository, workTree), value) ? value : null);
  return cleanConfig(content, { checkout, workTree: workTreeFrom(repository), hooksPath }, signal);
}

/** The folder of a repository's files in the archive; of one that names none, its own. */
function filesOf(repository: ByteString, workTree: ByteString | undefined): ByteString {
  return isGitFolder(repository) ? posix.dirname(under(".", repository)) : posix.join(repository, workTree ?? "");
}

/** Whether a relative path leads from a folder of the archive to somewhere in it. */
function isInside(folder: ByteString, path: ByteString): boolean {
  const place = posix.join("root", folder, path);
  return !/^[/~]|^%\(/u.test(path) && (place === "root" || place.startsWith("root/"));
}

/** A repository in a folder called .git finds its files by itself; that of a submodule names them, inside the archive. */
function workTreeFrom(repository: ByteString) {
  return (value: ByteString): ByteString | null => {
    return isGitFolder(repository) || !isInside(repository, value) ? null : value;
  };
}

function tooMany(): PyroError {
  return new PyroError(
    "invalid_argument",
    `The archive is refused: it has more than ${maxConfigs} repositories, whose settings would have to be cleaned.`,
    { hint: "Make the archive without them, or name the folder instead; nothing of it was kept." },
  );
}

function tooLarge(path: ByteString): PyroError {
  return new PyroError(
    "invalid_argument",
    `The archive is refused: ${JSON.stringify(displayName(path))} is a repository's file that has to be cleaned, and too large for it.`,
    { hint: "Make the archive without the repository's logs, or name the folder instead; nothing of it was kept." },
  );
}
