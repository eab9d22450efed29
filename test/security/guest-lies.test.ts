// Proves that a guest that lies costs the host no more than it was asked for: each lie ends its call, in little memory.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import { FileEntrySchema, FileKind, type FileEntry } from "../../src/guest/gen/pyro/guest/v1/files_pb.js";
import { followGuestProgram } from "../../src/process/program.js";
import type { GuestSession } from "../../src/guest/session.js";
import { touchedTrees } from "../../src/tree/diff/touched-trees.js";
import type { SeedTree } from "../../src/tree/diff/source.js";
import { listFolder, readText } from "../../src/workspace/files/single.js";
import { guestChanges } from "../../src/workspace/files/guest-tree.js";
import { patchFiles } from "../../src/workspace/files/patch-source.js";
import { planPatch } from "../../src/tree/patch/plan.js";
import type { SeedRecord } from "../../src/tree/seed/manifest-line.js";

import { openHostileGuest, type Lies } from "./hostile-guest.js";
import { exportOut } from "./export-out.js";

const never = new AbortController().signal;

/** A stream that ends at once: there is no such file. */
const notFound = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new ConnectError("no such file", Code.NotFound)) }),
};
const firstLine = { startLine: 1, lineCount: 100, byteOffset: undefined };
const folder = mkdtempSync(join(tmpdir(), "pyro-lies-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function entries(number: number, kind = FileKind.REGULAR): FileEntry[] {
  return Array.from({ length: number }, () => {
    count += 1;
    return create(FileEntrySchema, { path: Buffer.from(`f${String(count).padStart(12, "0")}`), kind });
  });
}

async function* endless<Message>(next: () => Message): AsyncGenerator<Message> {
  for (;;) yield next();
}

async function* once<Message>(message: Message): AsyncGenerator<Message> {
  yield message;
}

interface Lie {
  readonly lies: Lies;
  readonly use: (session: GuestSession) => Promise<unknown>;
  readonly message: string;
}

const tooManyEntries = "The machine sent more entries than it was asked for; it can no longer be trusted.";
const tooManyBytes = "The machine sent more bytes than it was asked for; it can no longer be trusted.";
const tooManyEmpty = "The machine sent more empty messages than it was asked for; it can no longer be trusted.";
const outOfOrder = "The machine sent output out of order; it can no longer be trusted.";

const touched = async (session: GuestSession) => {
  for await (const _ of guestChanges(session).touched(never));
};
const patch = (session: GuestSession) =>
  planPatch(patchFiles(session, never), "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", never);
const exported = (session: GuestSession) => exportOut(session, join(folder, "out"));
const list = (session: GuestSession) => listFolder(session, { path: "", recursive: true, maxEntries: 1000 }, never);
const follow = (session: GuestSession) =>
  followGuestProgram(session, { processId: "e1", timeoutMs: 1000, output: () => Promise.resolve() }, never);
function drained(open: (session: GuestSession) => AsyncIterable<unknown>): Lie["use"] {
  return async (session) => {
    for await (const _ of open(session));
  };
}
const chunk = (offset: bigint, bytes: number) => ({
  event: { case: "stdout" as const, value: { offset, data: new Uint8Array(bytes) } },
});

const everyLie: Readonly<Record<string, Lie>> = {
  "names without end that no archive can hold": {
    lies: { files: { pack: () => endless(() => ({ skipped: entries(512).map(({ path }) => path) })) } },
    use: exported,
    message: tooManyEntries,
  },
  "more names at once than a message has": {
    lies: { files: { pack: () => once({ skipped: Array.from({ length: 4000 }, () => Buffer.from("x")) }) } },
    use: exported,
    message: tooManyEntries,
  },
  "changes without end": {
    lies: { files: { listChanges: () => endless(() => ({ entries: entries(512) })) } },
    use: drained((session) => session.files.listChanges({ maxEntries: 20_000 })),
    message: tooManyEntries,
  },
  "more changes at once than a message has": {
    lies: { files: { listChanges: () => once({ entries: entries(1000) }) } },
    use: touched,
    message: tooManyEntries,
  },
  "a message as large as it likes": {
    lies: { files: { listChanges: () => once({ entries: [{ path: Buffer.alloc(3_000_000, "x") }] }) } },
    use: touched,
    message: "message is larger than configured readMaxBytes 1048576",
  },
  "a list of files without end": {
    lies: { files: { listFiles: () => endless(() => ({ entries: entries(512) })) } },
    use: drained((session) => session.files.listFiles({ maxEntries: 20_000 })),
    message: tooManyEntries,
  },
  "more files for a patch than a message has": {
    lies: {
      files: {
        listFiles: () => endless(() => ({ entries: entries(600) })),
        readFile: () => notFound,
      },
    },
    use: patch,
    message: tooManyEntries,
  },
  "more files than were asked for": {
    lies: { files: { listFiles: () => once({ entries: entries(500), truncated: false }) } },
    use: (session) => listFolder(session, { path: "", recursive: true, maxEntries: 100 }, never),
    message: tooManyEntries,
  },
  "empty messages without end": {
    lies: { files: { listFiles: () => endless(() => ({})) } },
    use: list,
    message: tooManyEmpty,
  },
  "heartbeats as fast as it can": {
    lies: { processes: { follow: () => endless(() => ({ event: { case: "heartbeat" as const, value: {} } })) } },
    use: follow,
    message: tooManyEmpty,
  },
  "a file without end": {
    lies: {
      files: {
        readFile: () => endless(() => ({ entry: { path: Buffer.from("x"), size: 3n }, data: new Uint8Array(60_000) })),
      },
    },
    use: (session) => readText(session, { path: "x", ...firstLine, maxBytes: 1000 }, never),
    message: "The guest sent more of a file than was asked.",
  },
  "a file without end to one who reads on": {
    lies: {
      files: {
        readFile: () => endless(() => ({ entry: { path: Buffer.from("x"), size: 3n }, data: new Uint8Array(60_000) })),
      },
    },
    use: drained((session) => session.files.readFile({ maxBytes: 1000n })),
    message: tooManyBytes,
  },
  "files that were not asked for": {
    lies: { files: { readFiles: () => once({ files: [{ index: 7, data: Buffer.from("x") }] }) } },
    use: (session) => guestChanges(session).readSmall([{ root: "workspace", path: Buffer.from("a") }], never),
    message: "The guest answered with a file that it was not asked for.",
  },
  "the same file again and again": {
    lies: { files: { readFiles: () => endless(() => ({ files: [{ index: 0, data: Buffer.from("x") }] })) } },
    use: (session) => guestChanges(session).readSmall([{ root: "workspace", path: Buffer.from("a") }], never),
    message: tooManyEntries,
  },
  "output with a gap": {
    lies: { processes: { follow: () => once(chunk(5n, 3)) } },
    use: follow,
    message: outOfOrder,
  },
  "output without content": {
    lies: { processes: { follow: () => once(chunk(0n, 0)) } },
    use: follow,
    message: outOfOrder,
  },
  "more output at once than a chunk has": {
    lies: { processes: { follow: () => once(chunk(0n, 70_000)) } },
    use: follow,
    message: outOfOrder,
  },
  "no end of a command": {
    lies: { processes: { follow: () => once(chunk(0n, 1)) } },
    use: follow,
    message: "The machine stopped reporting before the command's end.",
  },
  "processes without end": {
    lies: {
      processes: {
        list: () => Promise.resolve({ processes: Array.from({ length: 5000 }, () => ({ processId: "x" })) }),
      },
    },
    use: (session) => session.processes.list({}),
    message: tooManyEntries,
  },
  "capabilities without end": {
    lies: {
      machine: { hello: () => Promise.resolve({ capabilities: Array.from({ length: 5000 }, () => "heartbeats") }) },
    },
    use: (session) => session.machine.hello({}),
    message: tooManyEntries,
  },
};

describe("a guest is not believed that sends", () => {
  test.each(Object.entries(everyLie))("%s", async (_, { lies, use, message }) => {
    await using guest = await openHostileGuest(lies);
    const before = process.memoryUsage().rss;
    const failure = await use(guest.session).then(
      () => "it was believed",
      (error: unknown) => asPyroError(error).message,
    );
    expect(failure).toContain(message);
    // Far above what a million names take, far below what a guest could send meanwhile.
    expect(process.memoryUsage().rss - before).toBeLessThan(1024 ** 3);
  });
});

test("folders that all come from the whole seed do not multiply it", async () => {
  const seed: SeedTree = {
    lookup: () => Promise.resolve(undefined),
    async *below() {
      for (let file = 0; file < 5000; file += 1) yield seedFile(`s${file}`);
    },
    async *linked() {},
  };
  const source = {
    ...guestChanges(undefined as unknown as GuestSession),
    async *touched() {
      for (let each = 0; each < 100_000; each += 1) {
        yield {
          path: Buffer.from(`d${each}`),
          kind: "directory" as const,
          mode: 0o755,
          size: 0,
          redirect: Buffer.alloc(0),
        };
      }
    },
  };
  await expect(touchedTrees(source, seed, never)).rejects.toMatchObject({
    code: "resource_exhausted",
    message: "Too many files of the seed were moved to be compared.",
  });
}, 120_000);

function seedFile(path: string): SeedRecord {
  return { path, kind: "file", mode: 0o644, size: 1, mtime: 0, sha256: "", target: "", group: "" };
}

test("what its kernel or its agent fails at is said as the machine's doing, with what to do, and is no fault of ours", async () => {
  const text = 'list changes of "": "moved": its redirect is not a path';
  const fail = () => {
    throw new ConnectError(text, Code.Internal);
  };
  const files = { listChanges: fail, pack: fail, listFiles: fail, readFile: fail };
  await using guest = await openHostileGuest({ files, processes: { follow: fail } });
  const uses = [
    touched,
    exported,
    list,
    follow,
    (session: GuestSession) => readText(session, { path: "x", ...firstLine, maxBytes: 1000 }, never),
  ];
  for (const use of uses) {
    const error = asPyroError(await use(guest.session).catch((each: unknown) => each));
    expect([error.code, error.message]).toEqual(["failed_precondition", `The machine failed: ${text}`]);
    expect(error.hint).toContain("reset the workspace");
  }
});
