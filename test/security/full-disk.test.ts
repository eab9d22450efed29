// Proves that what a guest or a model causes never takes the last of the host's disk, and that a full disk leaves no half-written file behind.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { replaceFile, writeFileAtomic } from "../../src/base/atomic-file.js";
import { asPyroError } from "../../src/base/error.js";
import { RoomMeter, requireRoom, reserveBytes, roomAt, type DiskSpace } from "../../src/base/free-room.js";
import { keepFile } from "../../src/base/keep-file.js";
import { openEnvironmentStore } from "../../src/environment/store.js";
import { writeOverlay } from "../../src/disk/qcow2.js";
import { appendJournal, readJournal, reserveJournal } from "../../src/workspace/record/journal.js";
import { openOutputFile } from "../../src/process/output-file.js";
import { isOutputRemoved, OutputRoom } from "../../src/workspace/output-room.js";
import { needing, openWorld } from "./world.js";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const folder = mkdtempSync(join(tmpdir(), "pyro-full-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the last of the disk is never filled", () => {
  test("1 GiB of a small disk, 5 % of a large one", () => {
    const sizes = [10 * GIB, 20 * GIB, 1000 * GIB];
    expect(sizes.map((totalBytes) => reserveBytes({ totalBytes, freeBytes: 0 }) / GIB)).toEqual([1, 1, 50]);
  });

  test("what needs more than the rest is refused, with what to do", async () => {
    const measure = () => Promise.resolve({ totalBytes: 10 * GIB, freeBytes: 2 * GIB });
    await requireRoom({ path: "/data", bytes: GIB, what: "It" }, measure);
    expect(await roomAt("/data", measure)).toBe(GIB);
    await expect(requireRoom({ path: "/data", bytes: GIB + 1, what: "It" }, measure)).rejects.toMatchObject({
      code: "resource_exhausted",
      message: "It needs 1024 MiB of disk, but /data has 2048 free, of which 1024 are kept free.",
    });
  });

  test("a stream is granted what there is, and again once there is more", async () => {
    const disk: DiskSpace[] = [
      { totalBytes: 10 * GIB, freeBytes: GIB + 3 * MIB },
      { totalBytes: 10 * GIB, freeBytes: GIB },
      { totalBytes: 10 * GIB, freeBytes: 2 * GIB },
    ];
    let now = 0;
    const measure = () => Promise.resolve(disk.shift() ?? { totalBytes: 0, freeBytes: 0 });
    const meter = new RoomMeter("/data", measure, () => now);
    const granted = [await meter.take(2 * MIB), await meter.take(2 * MIB), await meter.take(MIB)];
    now = 2000;
    granted.push(await meter.take(MIB));
    expect(granted.map((bytes) => bytes / MIB)).toEqual([2, 0, 0, 1]);
  });

  test("a stream on a disk with room is granted all of it, however fast it comes and in pieces of any size", async () => {
    const meter = new RoomMeter(
      "/data",
      () => Promise.resolve({ totalBytes: 10 * GIB, freeBytes: 9 * GIB }),
      () => 0,
    );
    const pieces = [16, 16, 1, 15, 64, 3, 16].map((each) => each * MIB);
    for (const bytes of pieces) expect(await meter.take(bytes)).toBe(bytes);
  });
});

describe("the outputs of a workspace", () => {
  const unlimited = () => new RoomMeter(folder, () => Promise.resolve({ totalBytes: 0, freeBytes: 100 * GIB }));
  const outputs = (name: string, limitBytes: number, running: readonly number[] = []) => {
    const path = join(folder, name);
    mkdirSync(path);
    const isRunning = (sequence: number) => running.includes(sequence);
    const room = new OutputRoom({ folder: path, meter: unlimited(), isRunning, limitBytes });
    const write = async (sequence: number, bytes: number) => {
      const file = await openOutputFile({ path: join(path, `${sequence}.out`), room: (wanted) => room.take(wanted) });
      for (let at = 0; at < bytes; at += 100) await file.append(Buffer.alloc(Math.min(100, bytes - at), "x"));
      await file.close();
      return file.droppedBytes;
    };
    const kept = () =>
      readdirSync(path)
        .filter((each) => each.endsWith(".out"))
        .map((each) => [Number.parseInt(each, 10), statSync(join(path, each)).size] as const)
        .toSorted(([a], [b]) => a - b);
    return { path, write, kept };
  };

  test("go oldest first when they are too many together, and leave word", async () => {
    const { path, write, kept } = outputs("oldest", 1000);
    const dropped = [];
    for (const sequence of [1, 2, 3, 4, 5]) dropped.push(await write(sequence, 300));
    expect(dropped).toEqual([0, 0, 0, 0, 0]);
    expect(kept()).toEqual([
      [3, 300],
      [4, 300],
      [5, 300],
    ]);
    expect([1, 2, 3, 4, 5].map((sequence) => isOutputRemoved(path, sequence))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test("are cut where only running commands are left, each to its beginning", async () => {
    const { write, kept } = outputs("running", 1000, [1, 2]);
    expect([await write(1, 900), await write(2, 900), await write(2, 50)]).toEqual([0, 800, 50]);
    expect(kept()).toEqual([
      [1, 900],
      [2, 100],
    ]);
  });
});

/** A file system of its own of a known size; undefined where this user may mount none. */
function diskOf(mebibytes: number): { readonly path: string; fill(left: number): void; end(): void } | undefined {
  const path = mkdtempSync(join(folder, "disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const filler = join(path, "filler");
  return {
    path,
    fill: (left) => {
      rmSync(filler, { force: true });
      writeFileSync(filler, Buffer.alloc(mebibytes * MIB - left));
    },
    end: () => execFileSync("umount", ["-l", path]),
  };
}

const disk = diskOf(1);
afterAll(() => disk?.end());

describe("on a disk that becomes full at any write", () => {
  beforeEach(({ skip }) => {
    if (disk === undefined) skip("a file system of a known size needs the right to mount one");
  });
  const path = disk?.path ?? "";
  const names = () => readdirSync(path).filter((name) => name !== "filler");
  const code = (work: Promise<unknown>) =>
    work.then(
      () => "done",
      (error: unknown) => asPyroError(error).code,
    );
  const big = Buffer.alloc(64 * 1024, "x");
  const image = join(folder, "image");
  writeFileSync(image, big);

  /** Pages that are left, from none to enough. */
  const lefts = Array.from({ length: 40 }, (_, pages) => pages * 4096);

  const writes: Readonly<Record<string, (target: string) => Promise<void>>> = {
    "a record": (target) => writeFileAtomic(target, big),
    "a record that need not last": (target) => replaceFile(target, big.toString()),
    "a copy of an image": (target) => keepFile(image, target),
    "a workspace's disk": (target) => writeOverlay(target, 20 * GIB),
  };

  test.each(Object.keys(writes))("%s is there whole or not at all", async (name) => {
    const seen = new Set<string>();
    for (const left of lefts) {
      disk?.fill(left);
      const target = join(path, "target");
      const outcome = await code(writes[name]?.(target) ?? Promise.resolve());
      seen.add(outcome);
      expect([left, outcome, names()]).toEqual([left, outcome, outcome === "done" ? ["target"] : []]);
      rmSync(target, { force: true });
    }
    expect([...seen]).toEqual(["resource_exhausted", "done"]);
  });

  test("the journal loses the line that did not fit, and no other", async () => {
    const journal = join(path, "journal");
    const line = (detail: string) => ({ type: "file_write", at: "", detail }) as const;
    disk?.fill(3 * 4096);
    await appendJournal(journal, line("first"));
    const long = { command: "x".repeat(20_000), cwd: "/", timeout_seconds: 1, sequence: 1 };
    expect(await code(appendJournal(journal, { type: "exec_started", at: "", ...long }))).toBe("resource_exhausted");
    disk?.fill(16 * 4096);
    await appendJournal(journal, line("second"), true);
    const details = (await readJournal(journal)).map((each) => "detail" in each && each.detail);
    expect(details).toEqual(["first", "second"]);
    rmSync(journal);
  });

  test("the ends of commands are noted, and so that a workspace was stopped and started", async () => {
    const journal = join(path, "journal");
    const started = { command: "x", cwd: "/", timeout_seconds: 1 };
    const end = {
      exit_code: 3,
      timed_out: false,
      oom_killed: false,
      canceled: false,
      duration_ms: 1,
      dropped_bytes: 0,
    };
    const sequences = [1, 2, 3, 4, 5];
    disk?.fill(16 * 4096);
    await reserveJournal(journal);
    for (const sequence of sequences)
      await appendJournal(journal, { type: "exec_started", at: "", sequence, ...started });
    for (let codes = ""; codes !== "resource_exhausted";) {
      codes = await code(appendFile(join(path, "others"), Buffer.alloc(4096)));
    }
    const line = { type: "file_write", at: "", detail: "x".repeat(4096) } as const;
    expect(await code(appendJournal(journal, line))).toBe("resource_exhausted");
    for (const sequence of sequences)
      await appendJournal(journal, { type: "exec_ended", at: "", sequence, ...end }, true);
    for (const type of ["stopped", "started"] as const) await appendJournal(journal, { type, at: "", detail: "" });
    const noted = (await readJournal(journal)).map((each) =>
      "sequence" in each ? [each.type, each.sequence] : each.type,
    );
    expect(noted).toEqual([
      ...sequences.map((sequence) => ["exec_started", sequence]),
      ...sequences.map((sequence) => ["exec_ended", sequence]),
      ...["stopped", "started"],
    ]);
    for (const name of ["journal", "others"]) rmSync(join(path, name));
  });

  test("an output is cut, and its command goes on", async () => {
    disk?.fill(3 * 4096);
    const output = join(path, "1.out");
    const all = (bytes: number) => Promise.resolve(bytes);
    const file = await openOutputFile({ path: output, room: all });
    for (let at = 0; at < 10; at += 1) await file.append(Buffer.alloc(4096, String(at)));
    await file.close();
    const kept = readFileSync(output).length;
    expect([file.seenBytes, file.droppedBytes, kept <= 3 * 4096]).toEqual([40_960, 40_960 - kept, true]);
    rmSync(join(path, "filler"));
    const later = await openOutputFile({ path: output, room: all }, BigInt(file.seenBytes));
    if (existsSync(`${output}.cut`)) await later.append(Buffer.from("not behind a gap"));
    await later.close();
    expect(readFileSync(output).length).toBe(kept);
  });
});

const kept = diskOf(1080);
afterAll(() => kept?.end());

describe("where only what is kept free is left", () => {
  beforeEach(({ skip }) => {
    if (kept === undefined) skip("a file system of a known size needs the right to mount one");
  });
  const refused = { code: "resource_exhausted" };

  test("nothing begins in a workspace that would leave a line in its history", async () => {
    const asked: string[] = [];
    const lies = {
      files: {
        stage: () => {
          asked.push("stage");
          return Promise.resolve({ fileCount: 1n, byteCount: 1n });
        },
      },
    };
    await using world = await openWorld(lies, kept?.path);
    const id = await world.create();
    kept?.fill(GIB);
    const patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    const target = { outputPath: join(folder, "out"), path: ".", force: false };
    const source = { sourcePath: folder, dest: "/workspace", allowHostPaths: [] };
    const calls = [
      () => world.offered.writeFile({ id, path: "x", text: "text" }, needing("alone")),
      () => world.offered.applyPatch({ id, patch }, needing("alone")),
      () => world.offered.export({ id, ...target }, needing("beside")),
      () => world.offered.pushSync({ id, ...source }, needing("alone")),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(refused);
    expect([asked, existsSync(target.outputPath)]).toEqual([[], false]);
    expect(await world.offered.stop(id, needing("stopped"))).toMatchObject({ record: { state: "stopped" } });
  });

  test("no environment is installed", async () => {
    const built: string[] = [];
    const source = {
      ...{ name: "fake", unavailable: () => Promise.resolve(undefined) },
      build: (name: string) => {
        built.push(name);
        return Promise.reject(new Error("It was begun."));
      },
    };
    const store = openEnvironmentStore({ root: kept?.path ?? "", sources: [source], clock: () => new Date() });
    kept?.fill(GIB - MIB);
    const signal = new AbortController().signal;
    const pulled = store.pull("debian:12-base", { signal, progress: () => undefined });
    await expect(pulled).rejects.toMatchObject(refused);
    expect(built).toEqual([]);
  });
});
