// Owns what is asked of the host's trees, and what comes of it. Never looks at one.
import type { GitWish } from "../../base/git-wish.js";
import type { AllowedRoots } from "../../base/host-roots.js";

/** What a workspace starts from; one of the three at most. In wire names. */
export interface SeedChoice {
  readonly seed_path?: string | undefined;
  readonly project_path?: string | undefined;
  readonly repo_url?: string | undefined;
  readonly repo_ref?: string | undefined;
  readonly allow_host_paths?: readonly string[] | undefined;
  /** Relative to the folder that is named. */
  readonly include?: readonly string[] | undefined;
}

export interface SeedRequest extends SeedChoice {
  /** Socket of the caller's SSH agent, to clone repo_url with. */
  readonly sshAgent: string | undefined;
  readonly allowedRoots: AllowedRoots;
  /** Which git of the host the caller has; the system's own where absent. */
  readonly hostGit?: GitWish | undefined;
}

/** What became a seed, in wire names. */
export interface SeedFacts {
  readonly mode: "git" | "directory" | "archive" | "empty";
  readonly origin_kind: "seed_path" | "project_path" | "repo_url" | "none";
  /** Path or URL, without credentials. */
  readonly origin_ref: string | null;
  readonly commit: string | null;
  readonly file_count: number;
  readonly byte_count: number;
  readonly skipped: { path: string; reason: string }[];
  /** Of its image and manifest. */
  readonly digest: string;
}

/** A read-only image of a tree, and the list of what is in it. */
export interface PreparedSeed {
  readonly imagePath: string;
  readonly manifestPath: string;
  readonly facts: SeedFacts;
}

/** What a caller named on the host, and where that may lead. */
export interface HostSource {
  readonly path: string;
  readonly allowedRoots: AllowedRoots;
  /** As of a seed. */
  readonly hostGit?: GitWish | undefined;
  /** The folder that the workspace was made from, where it was made from one. */
  readonly origin?: string | undefined;
  /** Folders besides those, and what the path leads to, that content in there may lead to; none when absent. */
  readonly allowHostPaths?: readonly string[];
}

/** A tar stream of a host tree, as a seed would hold it. */
export interface HostTree {
  readonly archive: AsyncIterable<Uint8Array>;
  /** The folder's path without links; undefined where the source is an archive. */
  readonly folder: string | undefined;
  /** Complete once the archive has been read to its end. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** A regular file of the host, open. */
export interface HostFile extends AsyncDisposable {
  /** The last part of the path that was named. */
  readonly name: string;
  /** Bytes, at the moment of its opening. */
  readonly size: number;
  /** Permission bits, without the special ones. */
  readonly mode: number;
  readonly mtimeSeconds: number;
  /** To be read once. */
  readonly content: AsyncIterable<Uint8Array>;
}
