// Owns what takes the checked entries of a seed: an image, or a stream into a running guest. Never checks them.
import type { WritableEntry } from "./writer.js";

export interface EntrySink {
  /** `entry.path` and a hard link's target are relative and clean; a hard link comes after its target. */
  add(entry: WritableEntry): void;
  /** A piece of the last entry's content; it must not change afterwards. */
  write(piece: Buffer): void;
  /** The last entry has all of its content. */
  end(): void;
  /** Resolves when more may be written without filling memory; rejects when no more can be taken. */
  ready(): Promise<void>;
}
