// Owns the paths that a diff is asked for: what they name, and that each of them names something. Never finds a change.
import { closest } from "../../base/closest.js";
import { PyroError } from "../../base/error.js";
import { call, say } from "../../base/say.js";
import { visibleLine } from "../../base/visible.js";
import {
  type BytePath,
  bytePath,
  displayPath,
  foldersAbove,
  isInGitFolder,
  pathBytes,
  rootPath,
} from "../byte-path.js";
import type { SeedTree } from "./source.js";

export interface NamedPaths {
  /** As it was asked. */
  readonly wanted: readonly BytePath[];
  /** Whether the path, or a folder above it, is asked for. */
  has(path: BytePath): boolean;
  /** Refuses paths of which `has` has found nothing, and which the seed does not have either. */
  requireAll(seed: SeedTree): Promise<void>;
}

/** How results show a byte that is no text; a caller who names what it was shown means any such byte. */
const unknownByte = "\ufffd";
/** Paths that one error names, and changes among which a similar name is looked for. */
const maxNamed = 20;
const maxSimilar = 2000;

export function namedPaths(paths: readonly Uint8Array[] | undefined): NamedPaths {
  const wanted = (paths ?? []).map((path) => bytePath(path));
  if (paths === undefined || wanted.includes(rootPath)) {
    return { wanted, has: () => true, requireAll: async () => undefined };
  }
  const exact = new Set<string>(wanted);
  const shown = new Map(wanted.filter(hasUnknownByte).map((path) => [displayPath(path), path]));
  const found = new Set<string>();
  const similar = new Set<string>();
  const isNamed = (path: BytePath): boolean => {
    const name = exact.has(path) ? path : shown.size === 0 ? undefined : shown.get(displayPath(path));
    if (name !== undefined) found.add(name);
    return name !== undefined;
  };
  return {
    wanted,
    has: (path) => {
      if (similar.size < maxSimilar) similar.add(displayPath(path));
      // Each of them counts as found, not only the nearest.
      return [path, ...foldersAbove(path)].filter(isNamed).length > 0;
    },
    requireAll: async (seed) => {
      const missing: BytePath[] = [];
      for (const path of exact) {
        if (isInGitFolder(path)) throw inGitFolder(path);
        if (found.has(path) || (await seed.lookup(pathBytes(path as BytePath))) !== undefined) continue;
        missing.push(path as BytePath);
      }
      if (missing.length > 0) throw nothingNamed(missing, [...similar]);
    },
  };
}

function hasUnknownByte(path: BytePath): boolean {
  return displayPath(path).includes(unknownByte);
}

function inGitFolder(path: string): PyroError {
  const name = visibleLine(displayPath(path));
  return new PyroError("invalid_argument", `paths: ${name} is inside a .git folder, which is left out of every diff.`, {
    hint: say`Look at it inside: \`git log\` or \`git status\` by ${call("workspace_exec")}.`,
    details: { paths: [displayPath(path)] },
  });
}

function nothingNamed(missing: readonly BytePath[], similar: readonly string[]): PyroError {
  const names = missing.map(displayPath);
  const listed = names.slice(0, maxNamed).map((name) => JSON.stringify(visibleLine(name)));
  const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : "";
  const verb = names.length === 1 ? "names" : "name";
  const meant = names.length === 1 ? closest(names[0] ?? "", similar) : undefined;
  const guess = meant === undefined ? "" : `Did you mean ${JSON.stringify(visibleLine(meant))}? `;
  return new PyroError(
    "not_found",
    `paths: ${listed.join(", ")}${more} ${verb} nothing that is in the workspace, or was when it was created.`,
    {
      hint: say`${guess}Paths are relative to /workspace and taken as they are, without * or ?; ${call("workspace_file_list")} shows what is there.`,
      details: { paths: names.slice(0, maxNamed) },
    },
  );
}
