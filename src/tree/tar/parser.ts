// Owns cutting a tar stream (ustar, pax, GNU) into entries, in constant memory. Never judges names.
import { PyroError } from "../../base/error.js";
import { blockBytes, displayName, paddingOf, type ByteString, type TarEntry, type TarKind } from "./entry.js";
import { damaged, decodeHeader, decodePax, type TarHeader } from "./header.js";

export interface TarVisitor {
  /** Called before the content of each entry. */
  entry(entry: TarEntry): void;
  /** A piece of the content of the last entry. */
  content(piece: Buffer): void;
  /** The content of the last entry is complete. */
  entryEnd(): void;
}

/** Extended headers of one entry, in bytes with their blocks; names are far shorter, extended attributes may not be. */
const maxExtensionBytes = 1024 * 1024;
/** Of all entries together: some for the archive itself, more for each entry. */
const sparedExtensionBytes = 16 * 1024 * 1024;
const sparedExtensionBytesPerEntry = 16 * 1024;
/** What is kept of an extended header. */
const usedKeys = /^(path|linkpath|size|mtime|GNU\.sparse\..*)$/u;

const kinds: Readonly<Record<string, TarKind>> = { 0: "file", 7: "file", 1: "link", 2: "symlink", 5: "directory" };
const otherKinds: Readonly<Record<string, string>> = {
  3: "a character device",
  4: "a block device",
  6: "a named pipe",
  S: "a sparse file, which only GNU tar can read",
  M: "a part of a file of another volume",
  D: "a dump folder, which only GNU tar can read",
};

type State =
  | { readonly at: "header" }
  | { readonly at: "extension"; readonly type: string; readonly pieces: Buffer[]; left: number }
  | { readonly at: "content"; left: number; readonly padding: number }
  | { readonly at: "padding"; left: number }
  | { readonly at: "end" };

export class TarParser {
  #state: State = { at: "header" };
  #partial: Buffer = Buffer.alloc(0);
  #behindEnd = 0;
  /** What extended headers say about the next entry. */
  #extended = new Map<string, ByteString>();
  /** Bytes of the extended headers since the last entry. */
  #extendedBytes = 0;
  /** Bytes that extended headers may still take. */
  #spared = sparedExtensionBytes;
  readonly #visitor: TarVisitor;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  push(chunk: Buffer): void {
    let rest = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    this.#partial = Buffer.alloc(0);
    while (rest.length > 0 && this.#state.at !== "end") {
      const used = this.#step(rest);
      if (used === 0) break;
      rest = rest.subarray(used);
    }
    if (this.#state.at === "end") this.#behindEnd += rest.length;
    // Less than a header; copied, for the chunk may be large.
    if (this.#state.at === "header") this.#partial = Buffer.from(rest);
  }

  /** What came behind the end mark. */
  get bytesBehindEnd(): number {
    return this.#behindEnd;
  }

  /** The stream has ended; one that ends anywhere but at its end mark is refused. */
  end(): void {
    if (this.#state.at !== "end") throw damaged("it ends in the middle");
  }

  #step(rest: Buffer): number {
    const state = this.#state;
    switch (state.at) {
      case "header":
        if (rest.length < blockBytes) return 0;
        this.#header(rest.subarray(0, blockBytes));
        return blockBytes;
      case "extension": {
        const piece = rest.subarray(0, state.left);
        state.pieces.push(Buffer.from(piece));
        state.left -= piece.length;
        if (state.left === 0) this.#extension(state.type, Buffer.concat(state.pieces));
        return piece.length;
      }
      case "content": {
        const piece = rest.subarray(0, state.left);
        this.#visitor.content(piece);
        state.left -= piece.length;
        if (state.left === 0) this.#endEntry(state.padding);
        return piece.length;
      }
      case "padding": {
        const used = Math.min(state.left, rest.length);
        state.left -= used;
        if (state.left === 0) this.#state = { at: "header" };
        return used;
      }
      case "end":
        return rest.length;
    }
  }

  #header(block: Buffer): void {
    const header = decodeHeader(block);
    if (header === undefined) {
      if (this.#extendedBytes > 0) throw damaged("an extended header has no entry");
      this.#state = { at: "end" };
      return;
    }
    if ("xgXLKV".includes(header.type)) this.#startExtension(header);
    else this.#startEntry(header);
  }

  #startExtension({ type, size }: TarHeader): void {
    const bytes = blockBytes + size + paddingOf(size);
    this.#extendedBytes += bytes;
    this.#spared -= bytes;
    if (size < 0 || size > maxExtensionBytes) {
      throw damaged(`an extended header of ${size} bytes exceeds ${maxExtensionBytes}`);
    }
    if (this.#extendedBytes > maxExtensionBytes + 2 * blockBytes) {
      throw damaged(`extended headers of one entry exceed ${maxExtensionBytes} bytes`);
    }
    if (this.#spared < 0) throw damaged("it is mostly extended headers");
    if (size === 0) return;
    this.#state = { at: "extension", type, pieces: [], left: size };
  }

  #extension(type: string, content: Buffer): void {
    this.#state = afterContent(content.length);
    const end = content.indexOf(0);
    const name = content.toString("latin1", 0, end < 0 ? content.length : end);
    if (type === "L") this.#extended.set("path", name);
    else if (type === "K") this.#extended.set("linkpath", name);
    else if (type === "x" || type === "X") {
      for (const [key, value] of decodePax(content)) if (usedKeys.test(key)) this.#extended.set(key, value);
    } else if (type === "g") refuseGlobals(decodePax(content));
  }

  #startEntry(header: TarHeader): void {
    const entry = describe(header, this.#extended);
    this.#extended = new Map();
    this.#extendedBytes = 0;
    this.#spared += sparedExtensionBytesPerEntry;
    this.#visitor.entry(entry);
    if (entry.size === 0) this.#endEntry(0);
    else this.#state = { at: "content", left: entry.size, padding: paddingOf(entry.size) };
  }

  #endEntry(padding: number): void {
    this.#state = padding === 0 ? { at: "header" } : { at: "padding", left: padding };
    this.#visitor.entryEnd();
  }
}

function afterContent(size: number): State {
  const left = paddingOf(size);
  return left === 0 ? { at: "header" } : { at: "padding", left };
}

function describe(header: TarHeader, extended: ReadonlyMap<string, ByteString>): TarEntry {
  const path = extended.get("path") ?? header.name;
  const sparse = [...extended.keys()].some((key) => key.startsWith("GNU.sparse."));
  const stated = sparse ? "other" : (kinds[header.type] ?? "other");
  // Before 1988 a folder was a file with a slash at its end.
  const kind = stated === "file" && path.endsWith("/") && header.type !== "7" ? "directory" : stated;
  const what = sparse
    ? otherKinds["S"]
    : (otherKinds[header.type] ?? `of the unknown type ${displayName(header.type)}`);
  const size = integer(extended.get("size")) ?? header.size;
  if (size < 0) throw damaged("an entry has a negative size");
  // Some programs state the size of the file for links and folders, but no content follows.
  const hasContent = kind === "file" || kind === "other";
  return {
    path,
    kind,
    what: kind === "other" ? (what ?? "") : "",
    mode: header.mode,
    size: hasContent ? size : 0,
    mtime: integer(extended.get("mtime")) ?? header.mtime,
    target: kind === "link" || kind === "symlink" ? (extended.get("linkpath") ?? header.linkName) : "",
  };
}

/** A pax number, its fraction cut. */
function integer(value: ByteString | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  const parsed = /^-?\d+(\.\d*)?$/u.test(value) ? Math.floor(Number(value)) : Number.NaN;
  if (!Number.isSafeInteger(parsed)) throw damaged("a number in a pax header is malformed");
  return parsed;
}

function refuseGlobals(records: ReadonlyMap<string, ByteString>): void {
  const unfit = ["path", "linkpath", "size"].find((key) => records.has(key));
  if (unfit === undefined) return;
  throw new PyroError("invalid_argument", `The archive's global header sets ${unfit} for all of its entries.`, {
    hint: "Make the archive again with GNU tar.",
  });
}
