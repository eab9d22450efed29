// Owns a workspace that no machine holds: a seed and what was touched since, told as a guest tells it. Never reads a disk.
import { createHash } from "node:crypto";
import type { DiffRequest } from "../../../../src/tree/diff/diff.js";
import type { TouchedEntry, TouchedKind } from "../../../../src/tree/diff/source.js";
import type { SeedRecord } from "../../../../src/tree/seed/manifest-line.js";

/** Text of a file; `-> target`; `/` for a folder; another kind by its name; undefined where it was removed. */
export type Touched = Readonly<Record<string, string | undefined>>;

export interface World {
  /** Files by their text, folders by `/`. */
  readonly seed?: Readonly<Record<string, string>>;
  readonly upper?: Touched;
  /** Sizes that the guest announces, where its files do not have them. */
  readonly announced?: Readonly<Record<string, number>>;
}

const otherKinds: Readonly<Record<string, TouchedKind>> = {
  "/": "directory",
  "(fifo)": "fifo",
  "(socket)": "socket",
  "(device)": "device",
};

/** Names are of one character per byte. */
export function requestOf(
  { seed = {}, upper = {}, announced = {} }: World,
  request: Partial<DiffRequest> = {},
): DiffRequest {
  const open = (text = "") => {
    const data = Buffer.from(text, "latin1");
    return { mode: 0o644, size: data.length, chunks: chunksOf(data) };
  };
  const nameOf = (path: Uint8Array) => Buffer.from(path).toString("latin1");
  return {
    seed: {
      lookup: async (path) => recordOf(nameOf(path), seed[nameOf(path)]),
      async *below(folder) {
        for (const [path, text] of Object.entries(seed)) {
          const record = recordOf(path, text);
          if (record !== undefined && path.startsWith(`${nameOf(folder)}/`)) yield record;
        }
      },
      async *linked() {},
    },
    source: {
      async *touched() {
        for (const [path, text] of Object.entries(upper)) yield entryOf({ path, text, size: announced[path] });
      },
      statNew: async (path) => open(upper[nameOf(path)]),
      openNew: async (path) => open(upper[nameOf(path)]),
      openOld: async (path) => open(seed[nameOf(path)]),
      readSmall: async () => new Map(),
    },
    signal: new AbortController().signal,
    maxEntries: 100,
    maxPatchCharacters: 1_000_000,
    ...request,
  };
}

interface Named {
  readonly path: string;
  readonly text: string | undefined;
  readonly size: number | undefined;
}

function entryOf({ path, text, size = Buffer.byteLength(text ?? "", "latin1") }: Named): TouchedEntry {
  const entry = { path: Buffer.from(path, "latin1"), mode: 0o644, size };
  if (text === undefined) return { ...entry, kind: "whiteout" };
  if (text.startsWith("-> ")) return { ...entry, kind: "symlink", linkTarget: Buffer.from(text.slice(3), "latin1") };
  return { ...entry, kind: otherKinds[text] ?? "file" };
}

function recordOf(path: string, text: string | undefined): SeedRecord | undefined {
  if (text === undefined) return undefined;
  const plain = { path, mode: 0o644, size: 0, mtime: 0, sha256: "", target: "", group: "" };
  if (text === "/") return { ...plain, kind: "directory" };
  const data = Buffer.from(text, "latin1");
  return { ...plain, kind: "file", size: data.length, sha256: createHash("sha256").update(data).digest("hex") };
}

async function* chunksOf(data: Buffer): AsyncGenerator<Uint8Array> {
  yield data;
}
