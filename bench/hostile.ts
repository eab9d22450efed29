// Owns measuring how long the daemon's other work waits while it reads the worst that an archive can be. Never starts a machine.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { openSeedCache } from "../src/tree/seed/seed-cache.js";
import { encodeHeader, endMark, type WritableEntry } from "../src/tree/tar/writer.js";
import { figureOf } from "./figure.js";
import type { Measured, Row } from "./row.js";

const task = { signal: new AbortController().signal, progress: () => undefined };

const archives: readonly { readonly id: string; readonly what: string; readonly make: () => readonly Buffer[] }[] = [
  { id: "archive_extended_headers", what: "60 MB of extended headers without entries", make: extendedHeaders },
  { id: "archive_deep_names", what: "600 names of 2,000 folders each", make: () => deepNames(2000, 600) },
  {
    id: "archive_folders",
    what: "200 names of 250 folders each, as many as are let in",
    make: () => deepNames(250, 200),
  },
  { id: "archive_links", what: "5,000 links that lead through one another", make: entangledLinks },
];

/** A refusal ends a reading as well as a seed does: what counts is how long others waited at most. */
export async function measureHostileArchives(count: number): Promise<Measured> {
  const home = await mkdtemp(join(tmpdir(), "pyro-bench-archive-"));
  try {
    const rows: Row[] = [];
    for (const { id, what, make } of archives) {
      const path = join(home, `${id}.tar.gz`);
      await writeFile(path, gzipSync(Buffer.concat([...make(), endMark])));
      const samples: number[] = [];
      for (let round = 0; round < count; round += 1)
        samples.push(await longestWait(path, join(home, `${id}-${round}`)));
      const figure = figureOf(samples);
      rows.push({ id, what: `longest wait of the daemon's other calls: a seed of ${what}`, figure, goal: 250 });
    }
    return { rows, profiles: [] };
  } finally {
    await rm(home, { recursive: true });
  }
}

async function longestWait(path: string, root: string): Promise<number> {
  const cache = openSeedCache({ root, clock: () => new Date() });
  const waits = monitorEventLoopDelay({ resolution: 1 });
  waits.enable();
  // The first tick belongs to the measuring.
  await delay(20);
  waits.reset();
  await cache.seedFromArchive(path, task).catch(() => undefined);
  await delay(5);
  waits.disable();
  return waits.max / 1e6;
}

function headerOf(path: string, more: Partial<WritableEntry> = {}): Buffer {
  return encodeHeader({ path, kind: "file", mode: 0o644, size: 0, mtime: 0, target: "", ...more });
}

function extendedHeaders(): readonly Buffer[] {
  const record = (index: number) => `20 k${String(index).padStart(13, "0")}=\n`;
  const content = Array.from({ length: 50_000 }, (_, index) => record(index)).join("");
  // The pax header of a long name, with other content than its name.
  const header = headerOf("pax", { size: content.length });
  header.write("x", 156, "latin1");
  header.write("        ", 148, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content, "latin1");
  return Array.from({ length: 60 }, () => [header, padded]).flat();
}

function deepNames(folders: number, count: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, index) => headerOf(`${index}/${"d/".repeat(folders - 1)}f`));
}

function entangledLinks(): readonly Buffer[] {
  return Array.from({ length: 5000 }, (_, index) => {
    const next = index % 30 === 0 ? "." : `a/b/../../l${index - 1}`;
    return headerOf(`l${index}`, { kind: "symlink", target: next });
  });
}
