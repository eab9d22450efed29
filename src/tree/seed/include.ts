// Owns finding what a user names besides the files that belong to a source, such as ignored ones. Never follows a link, never lists a folder.
import { readlink } from "node:fs/promises";
import { PyroError } from "../../base/error.js";
import { descriptorPath } from "../../base/host-roots.js";
import { pathProblem } from "../byte-path.js";
import { isGitName, isRepository, partNames, repositoryParts } from "../git/repository-names.js";
import { displayName, type ByteString } from "../tar/entry.js";
import { findBelow, type HostFolder } from "./host-folder.js";
import { under, unfitReason } from "./listing.js";
import { statPaths, type FoundPath } from "./tree-stat.js";

/** The argument that names them. */
const field = "include";

export interface Included {
  /** The folders that lead there, and what was named itself. */
  readonly way: readonly FoundPath[];
  /** What was named is a folder, and what it holds comes along. */
  readonly isFolder: boolean;
}

/** As paths below a source, without what a shell's completion adds; throws `invalid_argument` for what cannot be one. */
export function includedPaths(given: readonly string[]): readonly ByteString[] {
  return given.map((text) => {
    const parts = Buffer.from(text).toString("latin1").split("/");
    const absolute = text.startsWith("/");
    const path = parts.filter((part) => part !== "" && part !== ".").join("/");
    const problem = absolute ? "is absolute" : path === "" ? "is the source itself" : pathProblem(path);
    if (problem !== undefined) {
      throw new PyroError("invalid_argument", `${field}: ${JSON.stringify(text)} ${problem}.`, {
        hint: "Name a file or folder as it is called below the source, such as node_modules.",
      });
    }
    if (path.split("/").some(isGitName)) throw isRepositoryFolder(path);
    return path;
  });
}

/** What lies at `path` below the source; throws where it is not there, or is nothing that a seed may be given by name. */
export async function findIncluded(root: HostFolder, path: ByteString, signal: AbortSignal): Promise<Included> {
  const names = path.split("/");
  const places = names.map((_, index) => names.slice(0, index + 1).join("/"));
  const parts = places.flatMap((place) => repositoryParts.map((part) => under(place, partNames[part])));
  const found = new Map(
    (await statPaths(root, { paths: [...places, ...parts], signal })).map((each) => [each.path, each]),
  );
  const way = places.flatMap((place) => found.get(place) ?? []);
  const named = found.get(path);
  const between = way.find(({ type, path: place }) => type !== "d" && place !== path);
  if (between !== undefined) {
    const what = between.type === "l" ? "a symbolic link, which is not followed" : "no folder";
    throw refused(`${displayName(path)} leads through ${displayName(between.path)}, which is ${what}`);
  }
  if (named === undefined) throw missing(root, path);
  const reason = unfitReason(named);
  if (named.closed === "denied") throw unreadable(root, path);
  if (reason !== undefined) throw refused(`${displayName(path)} is no file or folder but ${reason}`);
  for (const place of places) {
    const has = repositoryParts.filter((part) => found.has(under(place, partNames[part])));
    if (isRepository(new Set(has))) throw isRepositoryFolder(place);
  }
  if (named.type === "l") await requireLinkWithin(root, path);
  return { way, isFolder: named.type === "d" };
}

/** A link comes along as one: where it leads out, nothing would be behind it. */
async function requireLinkWithin(root: HostFolder, path: ByteString): Promise<void> {
  const names = path.split("/");
  const above = names.slice(0, -1).join("/");
  await using parent = above === "" ? undefined : await findBelow(root, above);
  const place = Buffer.from(`${descriptorPath(parent ?? root)}/${names.at(-1) ?? ""}`, "latin1");
  const target = await readlink(place, "latin1");
  let depth = names.length - 1;
  const leaves = target.split("/").some((part) => {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    return depth < 0;
  });
  if (!target.startsWith("/") && !leaves) return;
  throw new PyroError(
    "invalid_argument",
    `${field}: ${displayName(path)} is a symbolic link to ${displayName(target)}, outside the source.`,
    { hint: "Links are not followed: put the folder itself there, or leave it out." },
  );
}

function missing(root: HostFolder, path: ByteString): PyroError {
  return new PyroError("invalid_argument", `${field}: ${displayName(path)} does not exist in ${root.path}.`, {
    hint: "Make it on the host first, for example by an installation, or do not include it.",
  });
}

function unreadable(root: HostFolder, path: ByteString): PyroError {
  return new PyroError(
    "permission_denied",
    `${field}: ${root.path}/${displayName(path)} may not be read by this user.`,
    {
      hint: "Give this user the right to read it, or do not include it.",
    },
  );
}

function isRepositoryFolder(path: ByteString): PyroError {
  return new PyroError(
    "permission_denied",
    `${field}: ${displayName(path)} is a repository's own folder to Git, which only comes along cleaned.`,
    { hint: "The repository of a checkout comes with the checkout; name files and folders besides it." },
  );
}

function refused(what: string): PyroError {
  return new PyroError("invalid_argument", `${field}: ${what}.`, {
    hint: "Name a file or folder that lies in the source itself.",
  });
}
