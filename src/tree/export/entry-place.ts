// Owns which archive entries an export takes and where they go, from what the archive itself made so far. Never touches a file.
import { PyroError } from "../../base/error.js";
import { startOf } from "../../base/text.js";
import { displayPath, pathProblem } from "../byte-path.js";
import type { TarKind } from "../tar/entry.js";
import { type RepositoryPart, isGitName, isRepository, repositoryPart } from "../git/repository-names.js";

export type MadeKind = "file" | "directory" | "symlink";

/** Folders in one another, from the top of the export on. */
const maxDepth = 256;
/** Characters of all paths that are kept in memory. */
const maxPathCharacters = 256 * 1024 * 1024;

/** Where a path would go: the folders that have to be made first, outermost first, or what is in the way. */
export type Way =
  | { readonly kind: "open"; readonly missing: readonly string[] }
  /** It, or a folder above it, is not part of the export. */
  | { readonly kind: "left_out" };

/** What was made, by its path in the export; "" is the export itself. No other name is ever written through. */
export class MadeTree {
  readonly #made = new Map<string, MadeKind | "left_out">();
  readonly #parts = new Map<string, Set<RepositoryPart>>();
  #characters = 0;

  get rootKind(): MadeKind | undefined {
    return this.kindOf("");
  }

  kindOf(path: string): MadeKind | undefined {
    const kind = this.#made.get(path);
    return kind === "left_out" ? undefined : kind;
  }

  add(path: string, kind: MadeKind): void {
    this.#keep(path, kind);
  }

  /** Nothing of this name or below it is made any more. */
  leaveOut(path: string): void {
    this.#keep(path, "left_out");
  }

  /** Refuses a way through anything but a folder. */
  wayTo(path: string): Way {
    if (this.#made.get(path) === "left_out") return { kind: "left_out" };
    const missing: string[] = [];
    for (let folder = parentOf(path); folder !== undefined; folder = parentOf(folder)) {
      const kind = this.#made.get(folder);
      if (kind === "left_out") return { kind };
      if (kind === "directory") break;
      if (kind !== undefined) throw refusedEntry(path, `lies below ${displayPath(folder)}, a ${kind}`);
      missing.push(folder);
    }
    return { kind: "open", missing: missing.toReversed() };
  }

  /** Refuses a second entry of one path, but for folders. */
  checkNew(path: string, kind: TarKind): void {
    const existing = this.#made.get(path);
    if (existing === undefined || (existing === "directory" && kind === "directory")) return;
    throw refusedEntry(path, "stands in the archive twice");
  }

  /** Why the path must not be made, given what its folder has; a new part of a repository counts from now on. */
  repositoryReason(path: string): string | undefined {
    const parent = parentOf(path);
    // The top of the export has the name that its caller gave it.
    if (parent === undefined || this.#made.has(path)) return undefined;
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (isGitName(name)) return "a repository: its hooks and settings could run on the host";
    const part = repositoryPart(name);
    if (part === undefined) return undefined;
    const parts = this.#parts.get(parent) ?? new Set<RepositoryPart>();
    if (isRepository(new Set([...parts, part]))) {
      return "left out, for git would take its folder for a repository: hooks and settings in there could run on the host";
    }
    this.#parts.set(parent, parts.add(part));
    return undefined;
  }

  #keep(path: string, kind: MadeKind | "left_out"): void {
    if (!this.#made.has(path)) this.#characters += path.length;
    if (this.#characters > maxPathCharacters) {
      throw new PyroError("resource_exhausted", "The export has too many long names. Nothing was written.", {
        hint: "Export a smaller part.",
      });
    }
    this.#made.set(path, kind);
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
    const parts = plain.split("/");
    if (parts.length > maxDepth) throw refusedEntry(name, `lies in more than ${maxDepth} folders`);
    if (this.#contentOnly) return plain;
    const [first = "", ...rest] = parts;
    this.#first ??= first;
    if (first === "" || first !== this.#first) throw refusedEntry(name, "lies outside what is exported");
    return rest.join("/");
  }
}

/**
 * Whether a symbolic link stays in the export wherever that lies. `..` may stand at the start of its target only, where
 * each one leads from a real folder to the next; after a name it would leave from wherever a link of that name leads.
 */
export function staysInside(path: string, target: string): boolean {
  if (target.startsWith("/")) return false;
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const up = parts.findIndex((part) => part !== "..");
  const climbed = up === -1 ? parts.length : up;
  if (parts.indexOf("..", climbed) !== -1) return false;
  // The export itself, if a link, lies in no folder of it.
  return path !== "" && climbed <= path.split("/").length - 1;
}

/** The path up to the first `.git` in it, by any spelling. */
export function repositoryIn(path: string): string | undefined {
  const parts = path.split("/");
  const at = parts.findIndex(isGitName);
  return at === -1 ? undefined : parts.slice(0, at + 1).join("/");
}

export function refusedEntry(path: string, why: string): PyroError {
  const entry = startOf(displayPath(path), 300);
  const shown = JSON.stringify(entry);
  return new PyroError(
    "failed_precondition",
    `The export was refused: its entry ${shown} ${why}. Nothing was written.`,
    {
      hint: "Export a smaller part of the workspace; a guest that answers like this is not to be trusted.",
      details: { entry },
    },
  );
}
