// Owns names and metadata below an opened folder, read in another process so that a slow disk never holds up this one. Never reads content.
import type { Readable } from "node:stream";
import type { HostFolder } from "./host-folder.js";
import { walkBelow, type Walk } from "./host-walk.js";
import type { ByteString } from "../tar/entry.js";

export interface FoundPath {
  /** Relative to the folder. */
  readonly path: ByteString;
  /** f file, d folder, l symbolic link, s socket, p pipe, b and c devices, U unknown. */
  readonly type: string;
  readonly size: number;
  /** Everything that changes when the entry does, for comparison only: mode, size, times in nanoseconds, inode. */
  readonly identity: string;
  /** Permission bits, octal. */
  readonly mode: string;
  /** Seconds since 1970, the later of the content's and the metadata's change. */
  readonly changed: number;
  /** Why it cannot be read; a folder of that kind was named and not entered. */
  readonly closed: "denied" | "too-deep" | undefined;
}

/** Each ended by a NUL. */
const fieldCount = 8;

/** All that lies below the folder, each folder before what it holds. */
export async function statTree(folder: HostFolder, signal: AbortSignal): Promise<readonly FoundPath[]> {
  return records({ folder, mode: "list", input: "", signal });
}

/** Those of `paths`, relative to the folder, that exist, in the same order; no link is followed. */
export async function statPaths(
  folder: HostFolder,
  { paths, signal }: { readonly paths: readonly ByteString[]; readonly signal: AbortSignal },
): Promise<readonly FoundPath[]> {
  if (paths.length === 0) return [];
  return records({ folder, mode: "stat", input: paths.map((path) => `?${path}\0`).join(""), signal });
}

async function records(walk: Walk): Promise<readonly FoundPath[]> {
  const found: FoundPath[] = [];
  await walkBelow(walk, async (stdout: Readable) => {
    let rest = "";
    for await (const chunk of stdout.setEncoding("latin1")) {
      const fields = (rest + String(chunk)).split("\0");
      const whole = Math.floor((fields.length - 1) / fieldCount) * fieldCount;
      for (let at = 0; at < whole; at += fieldCount) found.push(parse(fields, at));
      rest = fields.slice(whole).join("\0");
    }
  });
  return found;
}

function parse(fields: readonly string[], at: number): FoundPath {
  const [path = "", access, type = "", mode = "", size, written = "", changed = "", inode = ""] = fields.slice(
    at,
    at + fieldCount,
  );
  return {
    path,
    type,
    mode,
    size: Number(size),
    identity: type === "d" ? `${type} ${mode}` : `${type} ${mode} ${size} ${written} ${changed} ${inode}`,
    changed: Math.max(Number(written), Number(changed)),
    closed: access === "u" ? "denied" : access === "d" ? "too-deep" : undefined,
  };
}
