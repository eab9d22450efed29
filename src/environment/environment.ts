// Owns what an environment is: a name, a read-only root image and the settings its programs get. Never boots anything.
import type { Task } from "../base/progress.js";

/** An environment that is on this host, checked and ready to be a machine's base drive. */
export interface InstalledEnvironment {
  /** Canonical name, such as `debian:12`. */
  readonly name: string;
  /** Absolute path of the squashfs image. */
  readonly imagePath: string;
  /** `sha256:` and 64 hex digits of the image. */
  readonly imageDigest: string;
  readonly imageBytes: number;
  /** The image's own settings, as NAME=value. */
  readonly env: readonly string[];
  /** Where it came from, such as `mirror`. */
  readonly source: string;
  /** RFC 3339. */
  readonly installedAt: string;
}

/** `newer`: a newer pyro installed it, in a way that this one does not know. */
export type EnvironmentState = "installed" | "broken" | "not_installed" | "newer";

export interface EnvironmentSummary {
  readonly name: string;
  readonly description: string;
  readonly state: EnvironmentState;
  /** Bytes on disk; 0 when not installed. */
  readonly imageBytes: number;
  readonly imageDigest: string | undefined;
  readonly source: string | undefined;
  readonly installedAt: string | undefined;
}

export interface PullResult {
  readonly environment: InstalledEnvironment;
  /** False when it was already there and whole. */
  readonly changed: boolean;
}

export interface PruneResult {
  /** File names that are gone. */
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/** The content-addressed cache of environments. One per cache folder; several daemons may share the folder. */
export interface EnvironmentStore {
  list(): Promise<readonly EnvironmentSummary[]>;
  /** The installed environment, or undefined when it has to be pulled (again). Cheap: compares sizes and times, not digests. */
  find(name: string): Promise<InstalledEnvironment | undefined>;
  /** Installs or repairs. Two pulls of one name cooperate. An unknown name is `not_found` with the known ones. */
  pull(name: string, task: Task): Promise<PullResult>;
  /** Why nothing could install it here, or undefined. Looks at nothing beyond this host. */
  obstacle(name: string): Promise<string | undefined>;
  /** Everything known about one name, with digests verified. */
  inspect(name: string, signal: AbortSignal): Promise<EnvironmentSummary & { readonly manifest: unknown }>;
  /** Removes half-made files and images that no install names. */
  prune(signal: AbortSignal): Promise<PruneResult>;
}

/** One way to get an environment's root. */
export interface EnvironmentSource {
  readonly name: string;
  /** Reason why it cannot serve here, or undefined. */
  unavailable(name: string): Promise<string | undefined>;
  /** Writes the squashfs image to `imagePath` (which does not exist yet). */
  build(
    name: string,
    imagePath: string,
    task: Task,
  ): Promise<{ readonly env: readonly string[]; readonly packages: readonly string[] }>;
}
