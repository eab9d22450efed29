// Owns one image that is being made: takes checked entries, writes the squashfs file and the manifest. Never reads a tree.
import { createHash, hash, type Hash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { PyroError } from "../../base/error.js";
import { RoomMeter } from "../../base/free-room.js";
import { findProgram, systemPath } from "../../base/host-program.js";
import { sortedInTurns } from "../../base/in-turns.js";
import { startProgram, type RunningProgram } from "../../base/streaming-program.js";
import type { EntrySink } from "../tar/sink.js";
import { formatRecord, type SeedRecord } from "./manifest-line.js";
import { paddingOf, type ByteString } from "../tar/entry.js";
import { clampTime, encodeHeader, endMark, type WritableEntry } from "../tar/writer.js";

export interface FinishedImage {
  /** sha256 of the manifest, 64 hex digits: two trees with the same one are equal, modification times included. */
  readonly digest: string;
  readonly fileCount: number;
  readonly byteCount: number;
}

export const imageName = "image.squashfs";
export const manifestName = "manifest";

const askEveryBytes = 1024 ** 2;

const zeros = Buffer.alloc(512);

export class SeedImage implements EntrySink {
  readonly #sink: RunningProgram;
  readonly #folder: string;
  /** Rejects when the sink ends while more is to come. */
  readonly #early: Promise<never>;
  readonly #records = new Map<ByteString, SeedRecord>();
  #current: WritableEntry | undefined;
  #hash: Hash | undefined;
  /** Content that came in one piece so far: hashing it at once is five times cheaper for small files. */
  #piece: Buffer | undefined;
  /** Bytes since the disk was last asked for. */
  #pending = 0;
  readonly #meter: RoomMeter;
  #fileCount = 0;
  #byteCount = 0;

  private constructor(sink: RunningProgram, folder: string) {
    this.#sink = sink;
    this.#folder = folder;
    this.#meter = new RoomMeter(folder);
    this.#early = sink.ended.then(() => {
      throw new PyroError("internal", "sqfstar ended before the archive did.");
    });
    this.#early.catch(() => undefined);
    // Headers and small files are gathered until the next `ready`: one system call for many.
    sink.stdin.cork();
  }

  /** Starts an image in `folder`, which is the caller's. End it with `finish` or `abort`. */
  static async start(folder: string): Promise<SeedImage> {
    const command = [await findProgram("sqfstar"), ...imageArguments, join(folder, imageName)];
    const sink = startProgram({ command, env: { PATH: systemPath, LC_ALL: "C" }, onStderrLine: () => undefined });
    sink.stdout.resume();
    return new SeedImage(sink, folder);
  }

  add(entry: WritableEntry): void {
    const checked = { ...this.#withoutLinkedSymlink(entry), mtime: clampTime(entry.mtime) };
    this.#sink.stdin.write(encodeHeader(checked));
    this.#current = checked;
    this.#hash = undefined;
    this.#piece = undefined;
  }

  write(piece: Buffer): void {
    this.#pending += piece.length;
    this.#sink.stdin.write(piece);
    if (this.#hash === undefined && this.#piece === undefined) {
      this.#piece = piece;
      return;
    }
    this.#hash ??= createHash("sha256").update(this.#piece ?? "");
    this.#hash.update(piece);
  }

  end(): void {
    const entry = this.#current;
    if (entry === undefined) return;
    const padding = paddingOf(entry.size);
    if (padding > 0) this.#sink.stdin.write(zeros.subarray(0, padding));
    this.#record(entry);
    this.#current = undefined;
  }

  async ready(): Promise<void> {
    if (this.#pending >= askEveryBytes) await this.#takeRoom();
    const { stdin } = this.#sink;
    stdin.uncork();
    try {
      if (!stdin.writableNeedDrain || stdin.destroyed) return;
      const drained = new Promise<void>((resolve) => stdin.once("drain", resolve));
      await this.#explained(Promise.race([drained, this.#early]));
    } finally {
      // Not before: what is gathered while an earlier write is under way would stay where it is.
      stdin.cork();
    }
  }

  /** Before compression: the disk is looked at again and again, so what an image takes less is not lost. */
  async #takeRoom(): Promise<void> {
    const wanted = this.#pending;
    this.#pending = 0;
    if ((await this.#meter.take(wanted)) < wanted) throw fullDisk(this.#folder, undefined);
  }

  /** Digest of a file's content, or of a symbolic link's target. */
  sha256Of(path: ByteString): string | undefined {
    const record = this.#records.get(path);
    return record?.kind === "symlink" ? hash("sha256", Buffer.from(record.target, "latin1")) : record?.sha256;
  }

  async finish(): Promise<FinishedImage> {
    this.#sink.stdin.end(endMark);
    const [digest] = await Promise.all([this.#writeManifest(), this.#explained(this.#sink.ended)]);
    for (const name of [imageName, manifestName]) {
      await using file = await open(join(this.#folder, name), "r");
      await file.sync();
    }
    return { digest, fileCount: this.#fileCount, byteCount: this.#byteCount };
  }

  /** Returns when nothing writes into the folder any more. */
  async abort(): Promise<void> {
    this.#sink.kill();
    await this.#sink.ended.catch(() => undefined);
  }

  /** Two names of one symbolic link become two links. */
  #withoutLinkedSymlink(entry: WritableEntry): WritableEntry {
    const first = entry.kind === "link" ? this.#records.get(entry.target) : undefined;
    return first?.kind === "symlink" ? { ...entry, kind: "symlink", target: first.target } : entry;
  }

  async #explained<T>(work: Promise<T>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!/No space left on device|Disk quota exceeded/iu.test(this.#sink.tail.join("\n"))) throw error;
      throw fullDisk(this.#folder, error);
    }
  }

  #record(entry: WritableEntry): void {
    const { path, kind, mode, mtime, target } = entry;
    const plain = { path, mode, mtime, size: 0, sha256: "", target: "", group: "" };
    if (kind !== "directory") this.#fileCount++;
    if (kind === "link") return this.#recordLink(path, target);
    if (kind === "directory") this.#records.set(path, { ...plain, kind });
    if (kind === "symlink") this.#records.set(path, { ...plain, kind, mode: 0o777, target });
    if (kind !== "file") return;
    const sha256 = this.#hash?.digest("hex") ?? hash("sha256", this.#piece ?? "");
    this.#byteCount += entry.size;
    this.#records.set(path, { ...plain, kind, size: entry.size, sha256 });
  }

  #recordLink(path: ByteString, target: ByteString): void {
    const first = this.#records.get(target);
    if (first === undefined) throw new PyroError("internal", "A hard link came before its file.");
    const grouped = { ...first, group: first.group === "" ? target : first.group };
    this.#records.set(target, grouped);
    this.#records.set(path, { ...grouped, path });
  }

  async #writeManifest(): Promise<string> {
    const digest = createHash("sha256");
    const paths = await sortedInTurns([...this.#records.keys()]);
    const records = this.#records;
    function* lines(): Generator<Buffer> {
      // Some hundred lines at a time: a chunk for each would cost more than its content.
      for (let start = 0; start < paths.length; start += 512) {
        const some = paths.slice(start, start + 512).flatMap((path) => records.get(path) ?? []);
        const chunk = Buffer.from(some.map(formatRecord).join(""), "latin1");
        digest.update(chunk);
        yield chunk;
      }
    }
    await pipeline(lines, createWriteStream(join(this.#folder, manifestName), { flags: "wx", mode: 0o444 }));
    return digest.digest("hex");
  }
}

function fullDisk(folder: string, cause: unknown): PyroError {
  return new PyroError("resource_exhausted", `The disk became full while a seed was made in ${folder}.`, {
    hint: "Free disk space, 1 GiB and 5 % of it are never filled; or set PYRO_HOME to a larger disk.",
    cause,
  });
}

/**
 * For 10,000 files of 75 MB: 0.26 s; with sqfstar's search for duplicates 1.9 s. Without fragments a small file is read
 * without unpacking its neighbours. `-exports` lets overlayfs index the image. Attributes are never taken from a host.
 */
const imageArguments = [
  ..."-comp lz4 -no-duplicates -no-fragments -exports -no-xattrs -all-root -root-mode 755".split(" "),
  ..."-exit-on-error -no-progress -mem 256M".split(" "),
  "-processors",
  String(Math.min(4, availableParallelism())),
];
