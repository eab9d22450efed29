// Owns what an entry of a tar stream is, in both directions. Never touches bytes.

/** A string that holds one byte in each character (latin1): names are bytes and need not be UTF-8. */
export type ByteString = string;

/** `link` is a hard link to an earlier file of the stream; `other` is what no seed may hold. */
export type TarKind = "file" | "directory" | "symlink" | "link" | "other";

export interface TarEntry {
  /** As in the stream: not checked, perhaps absolute, perhaps with a slash at its end. */
  readonly path: ByteString;
  readonly kind: TarKind;
  /** What `other` is, for a message; empty otherwise. */
  readonly what: string;
  /** The permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  /** Bytes of content that follow. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Of a symbolic or hard link; empty otherwise. */
  readonly target: ByteString;
}

export const blockBytes = 512;

/** Parts of a path: more folders in one another are nobody's wish, and each costs whoever looks at them. */
export const maxPathParts = 256;

/** Bytes from the end of `size` bytes of content to the next header. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** For messages and results: the name as text, with U+FFFD for what is not UTF-8. */
export function displayName(name: ByteString): string {
  return Buffer.from(name, "latin1").toString("utf8");
}
