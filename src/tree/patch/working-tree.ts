// Owns the workspace as it would be after the parts of a patch worked out so far. Never writes to it.
import { PyroError } from "../../base/error.js";
import { type BytePath, displayPath, foldersAbove, pathBytes } from "../byte-path.js";
import { emptiedFolders } from "./emptied-folders.js";
import { type Keep, type Kept, readKept } from "../../base/spool.js";
import type { CurrentEntry, PatchFiles, PatchPlan, Version } from "./patch-files.js";

const maxFileBytes = 50 * 1024 * 1024;

type KeptVersion = Omit<Version, "content"> & { readonly content: Kept };

export class WorkingTree {
  readonly #files: PatchFiles;
  readonly #keep: Keep;
  readonly #entries = new Map<BytePath, CurrentEntry | undefined>();
  readonly #changed = new Map<BytePath, KeptVersion | undefined>();
  /** Paths that some part of the patch deletes or renames away. */
  readonly #freed = new Set<BytePath>();

  constructor(files: PatchFiles, keep: Keep) {
    this.#files = files;
    this.#keep = keep;
  }

  willBeFree(path: BytePath): void {
    this.#freed.add(path);
  }

  /** The file before the patch; undefined where none is. */
  async original(path: BytePath): Promise<Version | undefined> {
    await this.#checkFolders(path);
    const entry = await this.#entry(path);
    return entry === undefined ? undefined : this.#read(path, entry);
  }

  /** The file after what was worked out so far. */
  async current(path: BytePath): Promise<Version | undefined> {
    if (!this.#changed.has(path)) return this.original(path);
    const changed = this.#changed.get(path);
    return changed === undefined ? undefined : { ...changed, content: await readKept(changed.content) };
  }

  /** Refuses a path that something keeps occupied. */
  async checkFree(path: BytePath, atLine: number): Promise<void> {
    const details = { path: displayPath(path), patch_line: atLine };
    const changed = this.#changed.get(path);
    const taken = this.#changed.has(path)
      ? changed !== undefined
      : !this.#freed.has(path) && (await this.#occupied(path));
    if (!taken) return;
    throw new PyroError("failed_precondition", `The patch adds ${details.path}, which is already there.`, {
      hint: "Read the file, and make a patch that changes it. Nothing was changed.",
      details,
    });
  }

  async write(path: BytePath, version: Version): Promise<void> {
    // The target of a link is short, and needed as it is.
    const content = version.isLink ? version.content : await this.#keep(version.content);
    this.#changed.set(path, { ...version, content });
  }

  remove(path: BytePath): void {
    // A path that is freed late may have been taken by then.
    if (this.#changed.get(path) === undefined || !this.#freed.has(path)) this.#changed.set(path, undefined);
    this.#freed.delete(path);
  }

  /** The plan, after the check that all of it can stand together. */
  async finish(): Promise<Omit<PatchPlan, "files" | "alreadyApplied">> {
    const writes: { path: Buffer; content: Kept; mode: number }[] = [];
    const symlinks: { path: Buffer; target: Buffer }[] = [];
    const deletes: Buffer[] = [];
    for (const [path, version] of this.#changed) {
      if (version === undefined) {
        if ((await this.#entry(path)) !== undefined) deletes.push(pathBytes(path));
        continue;
      }
      await this.#checkFolders(path);
      for (const folder of foldersAbove(path)) if (this.#changed.get(folder) !== undefined) throw blocked(path, folder);
      const replaced = await this.#replacedEntry(path);
      const kind = version.isLink ? "symlink" : "file";
      if (replaced !== undefined && replaced.kind !== kind) deletes.push(pathBytes(path));
      if (version.isLink)
        symlinks.push({ path: pathBytes(path), target: checkTarget(path, await readKept(version.content)) });
      else writes.push({ path: pathBytes(path), content: version.content, mode: version.mode });
    }
    const kept = [...writes, ...symlinks].map(({ path }) => path);
    return { writes, symlinks, deletes: [...deletes, ...(await emptiedFolders(this.#files, { deletes, kept }))] };
  }

  /** Whether a file or link is there before the patch. */
  async hasFile(path: BytePath): Promise<boolean> {
    const kind = (await this.#entry(path))?.kind;
    return kind === "file" || kind === "symlink";
  }

  async #entry(path: BytePath): Promise<CurrentEntry | undefined> {
    if (!this.#entries.has(path)) {
      // Below what is no folder nothing is; asking could follow a link.
      const isBelowOther = await this.#firstNonFolder(path);
      this.#entries.set(path, isBelowOther === undefined ? await this.#files.lookup(pathBytes(path)) : undefined);
    }
    return this.#entries.get(path);
  }

  async #firstNonFolder(path: BytePath): Promise<BytePath | undefined> {
    for (const folder of [...foldersAbove(path)].toReversed()) {
      if (!this.#entries.has(folder)) this.#entries.set(folder, await this.#files.lookup(pathBytes(folder)));
      if (this.#entries.get(folder)?.kind !== "directory") return folder;
    }
    return undefined;
  }

  /** No folder on the way may be a link or a file, unless the patch takes it away. */
  async #checkFolders(path: BytePath): Promise<void> {
    const folder = await this.#firstNonFolder(path);
    if (folder === undefined || this.#entries.get(folder) === undefined) return;
    if (this.#freed.has(folder)) return;
    if (this.#changed.has(folder) && this.#changed.get(folder) === undefined) return;
    throw blocked(path, folder);
  }

  async #occupied(path: BytePath): Promise<boolean> {
    const entry = await this.#entry(path);
    // A folder may be in the way only until its files are gone, which is checked at the end.
    return entry !== undefined && entry.kind !== "directory";
  }

  async #replacedEntry(path: BytePath): Promise<CurrentEntry | undefined> {
    const entry = await this.#entry(path);
    if (entry?.kind !== "directory") return entry;
    for (const below of await this.#files.filesBelow(pathBytes(path))) {
      const name = below.toString("latin1") as BytePath;
      if (this.#changed.has(name) && this.#changed.get(name) === undefined) continue;
      throw new PyroError(
        "failed_precondition",
        `The patch puts a file at ${displayPath(path)}, a folder that still holds files.`,
        {
          details: { path: displayPath(path), remaining: displayPath(name) },
        },
      );
    }
    return entry;
  }

  async #read(path: BytePath, entry: CurrentEntry): Promise<Version> {
    const name = displayPath(path);
    if (entry.kind === "symlink") return { mode: 0o777, isLink: true, content: Buffer.from(entry.linkTarget ?? []) };
    if (entry.kind !== "file") {
      const what = entry.kind === "directory" ? "a folder" : "a special file";
      throw new PyroError("failed_precondition", `The patch is for ${name}, which is ${what}.`, {
        details: { path: name },
      });
    }
    if (entry.size > maxFileBytes) {
      throw new PyroError(
        "failed_precondition",
        `${name} has ${entry.size} bytes; a patch is applied to at most ${maxFileBytes}.`,
        {
          details: { path: name },
        },
      );
    }
    return { mode: entry.mode, isLink: false, content: await this.#files.read(pathBytes(path)) };
  }
}

function blocked(path: BytePath, folder: BytePath): PyroError {
  const details = { path: displayPath(path), blocked_by: displayPath(folder) };
  return new PyroError(
    "failed_precondition",
    `The patch names ${details.path}, but ${details.blocked_by} is no folder.`,
    {
      hint: "Patches are not applied through symbolic links: name the file where it really is.",
      details,
    },
  );
}

function checkTarget(path: BytePath, target: Buffer): Buffer {
  if (target.length > 0 && target.length < 4096 && !target.includes(0)) return target;
  throw new PyroError(
    "invalid_argument",
    `The patch makes ${displayPath(path)} a symbolic link without a usable target.`,
  );
}
