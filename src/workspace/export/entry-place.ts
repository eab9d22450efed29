// Owns which archive entries an export takes and where they go, from what the archive itself made so far. Never touches a file.
import { PyroError } from "../../base/error.js";
import { displayPath, pathProblem } from "../diff/byte-path.js";

export type MadeKind = "file" | "directory" | "symlink";

/** What was made, by its path in the export; "" is the export itself. No other name is ever written through. */
export class MadeTree {
  readonly #made = new Map<string, MadeKind>();

  get rootKind(): MadeKind | undefined {
    return this.#made.get("");
  }

  get size(): number {
    return this.#made.size;
  }

  kindOf(path: string): MadeKind | undefined {
    return this.#made.get(path);
  }

  add(path: string, kind: MadeKind): void {
    this.#made.set(path, kind);
  }

  /** Folders that have to be made before the path, outermost first; refuses a way through anything but a folder. */
  missingFolders(path: string): string[] {
    const missing: string[] = [];
    for (let folder = parentOf(path); folder !== undefined; folder = parentOf(folder)) {
      const kind = this.#made.get(folder);
      if (kind === "directory") break;
      if (kind !== undefined) throw refusedEntry(path, `lies below ${displayPath(folder)}, a ${kind}`);
      missing.unshift(folder);
    }
    return missing;
  }

  /** Refuses a second entry of one path, but for folders. */
  checkNew(path: string, kind: MadeKind | "link"): void {
    const existing = this.#made.get(path);
    if (existing === undefined || (existing === "directory" && kind === "directory")) return;
    throw refusedEntry(path, "stands in the archive twice");
  }
}

function parentOf(path: string): string | undefined {
  return path === "" ? undefined : path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/**
 * The path of an entry inside the export. Without `contentOnly` all entries have one first name, that of what is
 * exported, which is dropped: the caller gives it a name of its own.
 */
export class EntryNames {
  readonly #contentOnly: boolean;
  #first: string | undefined;

  constructor(contentOnly: boolean) {
    this.#contentOnly = contentOnly;
  }

  pathOf(name: string): string {
    const path = name.replace(/^(?:\.\/+)+/u, "").replace(/\/+$/u, "");
    const plain = path === "." ? "" : path;
    const problem = name === "" ? "is empty" : name.startsWith("/") ? "is absolute" : pathProblem(plain);
    if (problem !== undefined) throw refusedEntry(name, problem);
    if (this.#contentOnly) return plain;
    const [first = "", ...rest] = plain.split("/");
    this.#first ??= first;
    if (first === "" || first !== this.#first) throw refusedEntry(name, "lies outside what is exported");
    return rest.join("/");
  }
}

/**
 * The path up to the first `.git` in it. Git on the host would run what its hooks and settings name, at a mere
 * `git status`; so no export holds one, whoever wrote it. Letter case does not count, as on some file systems.
 */
export function repositoryIn(path: string): string | undefined {
  const parts = path.split("/");
  const at = parts.findIndex((part) => part.toLowerCase() === ".git");
  return at === -1 ? undefined : parts.slice(0, at + 1).join("/");
}

export function refusedEntry(path: string, why: string): PyroError {
  const shown = JSON.stringify(displayPath(path).slice(0, 300));
  return new PyroError(
    "failed_precondition",
    `The export was refused: its entry ${shown} ${why}. Nothing was written.`,
    {
      hint: "Export a smaller part of the workspace; a guest that answers like this is not to be trusted.",
      details: { entry: displayPath(path).slice(0, 300) },
    },
  );
}
