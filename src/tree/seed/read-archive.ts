// Owns reading an archive into a seed's sink, each entry checked before it goes on. Never writes a file.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { PyroError } from "../../base/error.js";
import { descriptorPath, type OpenedPath } from "../../base/host-roots.js";
import { findProgram, systemPath } from "../../base/host-program.js";
import { Turns } from "../../base/in-turns.js";
import type { Task } from "../../base/progress.js";
import { startProgram } from "../../base/streaming-program.js";
import { ArchiveCheck, archiveLimits, type ArchiveLimits } from "./archive-check.js";
import { GitCleaner, RepositoryFinder } from "./archive-git.js";
import { byteProgress } from "./byte-progress.js";
import type { Skipped } from "./listing.js";
import type { EntrySink } from "../tar/sink.js";
import { damaged } from "../tar/header.js";
import { TarParser } from "../tar/parser.js";

interface Unpacking {
  readonly stream: Readable;
  /** Resolves when the archive was unpacked to its end without a fault. */
  readonly ended: Promise<void>;
  readonly stop: () => void;
}

export const archiveName = /\.(tar|tar\.gz|tgz|tar\.zst)$/u;

/** Headers and padding come on top of the content: 2 KiB for each entry are more than any sane archive has. */
const headerBytes = 2048;

/** Bytes of an archive that are looked at before others get their turn: some dozens of headers. */
const pieceBytes = 16 * 1024;
/** Blocks of zeros, in which archives end, and what a tape's size adds. */
const maxBytesBehindEnd = 16 * 1024 * 1024;

/**
 * Refuses by entry name what no seed may hold; the caller then throws away what the sink has. Answers what is to be known
 * of what came.
 */
export async function readArchive(
  sink: EntrySink,
  {
    file,
    task,
    limits = archiveLimits,
    withoutGit = false,
  }: {
    readonly file: OpenedPath;
    readonly task: Task;
    readonly limits?: ArchiveLimits;
    /** Leaves out every `.git`. */
    readonly withoutGit?: boolean;
  },
): Promise<readonly Skipped[]> {
  // Which folders are repositories shows only at the archive's end; their files are cleaned on the way.
  const finder = new RepositoryFinder();
  const names: EntrySink = { ...nothing, add: (entry) => finder.see(entry) };
  await readEntries(names, { file, task, limits, message: "Looking through the archive" });
  const cleaner = new GitCleaner(sink, { ...finder.found(), withoutGit });
  const cleaning: EntrySink = {
    add: (entry) => cleaner.add(entry),
    write: (piece) => cleaner.write(piece),
    end: () => cleaner.end(),
    ready: async () => sink.ready(),
  };
  await readEntries(cleaning, { file, task, limits, message: "Reading the archive" });
  return cleaner.finish(task.signal);
}

const nothing = {
  write: () => undefined,
  end: () => undefined,
  ready: async () => Promise.resolve(),
};

interface EntryRead {
  readonly file: OpenedPath;
  readonly task: Task;
  readonly limits: ArchiveLimits;
  /** For a person who waits. */
  readonly message: string;
}

async function readEntries(sink: EntrySink, { file, task, limits, message }: EntryRead): Promise<void> {
  const check = new ArchiveCheck(limits);
  const parser = new TarParser(visitorOf(check, sink));
  const unpacking = await unpack(descriptorPath(file));
  task.signal.addEventListener("abort", unpacking.stop, { once: true });
  const turns = new Turns();
  const mostBytes = limits.contentBytes + limits.entries * headerBytes;
  const onBytes = byteProgress(task.progress, message);
  let done = 0;
  try {
    for await (const chunk of unpacking.stream) {
      const bytes = chunk as Buffer;
      done += bytes.length;
      if (done > mostBytes) throw damaged(`it unpacks to more than ${mostBytes} bytes`);
      for (let start = 0; start < bytes.length; start += pieceBytes) {
        parser.push(bytes.subarray(start, start + pieceBytes));
        if (turns.due()) await turns.pause();
        task.signal.throwIfAborted();
      }
      if (parser.bytesBehindEnd > maxBytesBehindEnd) throw damaged("too much follows its end");
      onBytes(bytes.length);
      await sink.ready();
    }
    await unpacking.ended;
    parser.end();
  } catch (error) {
    task.signal.throwIfAborted();
    throw error instanceof PyroError ? error : damaged(error instanceof Error ? error.message : String(error));
  } finally {
    task.signal.removeEventListener("abort", unpacking.stop);
    unpacking.stop();
  }
  for (const entry of check.finish()) {
    if (entry !== undefined) {
      sink.add(entry);
      sink.end();
    }
    if (!turns.due()) continue;
    await sink.ready();
    await turns.pause();
    task.signal.throwIfAborted();
  }
}

function visitorOf(check: ArchiveCheck, sink: EntrySink) {
  let taken = false;
  return {
    entry(entry: Parameters<ArchiveCheck["accept"]>[0]) {
      const accepted = check.accept(entry);
      taken = accepted !== undefined;
      if (accepted !== undefined) sink.add(accepted);
    },
    content(piece: Buffer) {
      if (taken) sink.write(piece);
    },
    entryEnd() {
      if (taken) sink.end();
    },
  };
}

/** By what the file holds, not by its name. */
async function unpack(path: string): Promise<Unpacking> {
  const magic = await firstBytes(path);
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  if (magic.startsWith("1f8b")) {
    const gunzip = createGunzip({ chunkSize: 256 * 1024 });
    file.on("error", (error) => gunzip.destroy(error));
    file.pipe(gunzip);
    return {
      stream: gunzip,
      ended: Promise.resolve(),
      stop: () => [file, gunzip].forEach((stream) => stream.destroy()),
    };
  }
  if (!magic.startsWith("28b52ffd")) return { stream: file, ended: Promise.resolve(), stop: () => file.destroy() };
  const command = [await findProgram("zstd"), "--decompress", "--stdout", "--quiet", "--no-progress"];
  const zstd = startProgram({ command, env: { PATH: systemPath, LC_ALL: "C" }, onStderrLine: () => undefined });
  file.on("error", () => zstd.kill());
  file.pipe(zstd.stdin);
  const stop = () => {
    file.destroy();
    zstd.kill();
  };
  const ended = zstd.ended.catch(() => {
    throw damaged(`zstd says: ${zstd.tail.at(-1) ?? "nothing"}`);
  });
  ended.catch(() => undefined);
  return { stream: zstd.stdout, ended, stop };
}

async function firstBytes(path: string): Promise<string> {
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.toString("hex", 0, bytesRead);
}
