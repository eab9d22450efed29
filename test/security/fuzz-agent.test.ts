// Proves by random messages, and random bytes in their place, that whatever an agent says ends a call with a result or an error of ours.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { followGuestProgram } from "../../src/process/program.js";
import type { GuestSession } from "../../src/guest/session.js";
import { touchedTrees } from "../../src/tree/diff/touched-trees.js";
import { listFolder, readText, writeText } from "../../src/workspace/files/single.js";
import { guestChanges } from "../../src/workspace/files/guest-tree.js";
import { patchFiles } from "../../src/workspace/files/patch-source.js";
import { planPatch } from "../../src/tree/patch/plan.js";

import { HandClock, openHostileGuest, type Lies } from "./hostile-guest.js";
import { exportOut } from "./export-out.js";

/** `make soak` sets more. */
const seconds = Number(process.env["PYRO_FUZZ_SECONDS"] ?? 3);
/** Milliseconds for a script to arrive; for work on the host, such as removing a staging folder, on a busy machine. */
const arrivalMs = 40;
const hostWorkMs = 120_000;
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), "pyro-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc
    .constantFrom("x", "a/b", "../x", "/etc", ".git/config", "a/", "", "\u0000", "a\nb")
    .map((text) => Buffer.from(text)),
  fc.constant(new Uint8Array(70_000)),
);
const wide = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 53n));
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const entry = fc.record(
  {
    path: bytes,
    kind: fc.integer({ min: 0, max: 12 }),
    mode: uint32,
    size: wide,
    mtimeUnixNanos: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    linkTarget: bytes,
    hardLinkGroup: wide,
    opaque: fc.boolean(),
    redirect: bytes,
  },
  { requiredKeys: ["path", "kind"] },
);
const entries = fc.array(entry, { maxLength: 6 });
const chunk = fc.record({ offset: fc.oneof(fc.constant(0n), wide), data: bytes });
const exit = fc.record({
  ...{ exitCode: int32, signal: int32, timedOut: fc.boolean(), oomKilled: fc.boolean() },
  durationNanos: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

/** Messages of one stream, and whether it then ends or falls silent. */
const stream = <Message>(message: fc.Arbitrary<Message>) =>
  fc.record({
    messages: fc.array(message, { maxLength: 5 }),
    ends: fc.integer({ min: 0, max: 19 }).map((drawn) => drawn > 0),
  });

const scripts = fc.record({
  listFiles: stream(fc.record({ entries, truncated: fc.boolean() })),
  listChanges: stream(fc.record({ entries })),
  readFile: stream(fc.record({ entry, data: bytes }, { requiredKeys: ["data"] })),
  readFiles: stream(
    fc.record({ files: fc.array(fc.record({ index: uint32, mode: uint32, data: bytes }), { maxLength: 3 }) }),
  ),
  pack: stream(fc.record({ data: bytes, skipped: fc.array(bytes, { maxLength: 3 }) })),
  follow: stream(
    fc.record({
      event: fc.oneof(
        fc.record({ case: fc.constantFrom("stdout" as const, "stderr" as const), value: chunk }),
        fc.record({ case: fc.constant("exit" as const), value: exit }),
        fc.constant({ case: "heartbeat" as const, value: {} }),
      ),
    }),
  ),
  raw: fc.option(fc.record({ status: fc.constantFrom(200, 404, 503), body: fc.array(envelope(), { maxLength: 4 }) })),
});

/** As the protocol frames a message: flags, length, content; right, or not at all. */
function envelope(): fc.Arbitrary<Buffer> {
  return fc
    .record({
      flags: fc.constantFrom(0, 0, 0, 2, 1, 255),
      payload: fc.uint8Array({ maxLength: 200 }),
      excess: fc.constantFrom(0, 0, 1, 2 ** 31),
    })
    .map(({ flags, payload, excess }) => {
      const head = Buffer.alloc(5);
      head.writeUInt8(flags, 0);
      head.writeUInt32BE(Math.min(2 ** 32 - 1, payload.length + excess), 1);
      return Buffer.concat([head, payload]);
    });
}

type Scripts = typeof scripts extends fc.Arbitrary<infer Value> ? Value : never;

function liesOf({ raw, ...told }: Scripts): Lies {
  const play = <Message>({ messages, ends }: { messages: readonly Message[]; ends: boolean }) =>
    async function* (): AsyncGenerator<Message> {
      yield* messages;
      if (!ends) await new Promise(() => undefined);
    };
  if (raw !== null) {
    return {
      answer: (_, response) => {
        response.on("error", () => undefined);
        response.writeHead(raw.status, { "content-type": "application/connect+proto" });
        for (const each of raw.body) response.write(each);
        response.end();
      },
    };
  }
  return {
    processes: { follow: play(told.follow) },
    files: {
      ...{ listFiles: play(told.listFiles), listChanges: play(told.listChanges), readFile: play(told.readFile) },
      ...{ readFiles: play(told.readFiles), pack: play(told.pack) },
    },
  };
}

const noSeed = {
  lookup: () => Promise.resolve(undefined),
  async *below() {},
  async *linked() {},
};

const firstLine = { startLine: 1, lineCount: 100, byteOffset: undefined };

const uses: Readonly<Record<string, (session: GuestSession, round: number) => Promise<unknown>>> = {
  list: (session) => listFolder(session, { path: "", recursive: true, maxEntries: 10 }, never),
  read: (session) => readText(session, { path: "x", ...firstLine, maxBytes: 100_000 }, never),
  write: (session) => writeText(session, { path: "x", text: "text" }, never),
  touched: (session) => touchedTrees(guestChanges(session), noSeed, never),
  small: (session) => guestChanges(session).readSmall([{ root: "workspace", path: Buffer.from("x") }], never),
  patch: (session) => planPatch(patchFiles(session, never), "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", never),
  follow: (session) =>
    followGuestProgram(session, { processId: "e1", timeoutMs: 1000, output: () => Promise.resolve() }, never),
  export: (session, round) => exportOut(session, join(folder, `out${round}`)),
};

test(
  "whatever an agent answers, each call ends with a result or an error of ours",
  async () => {
    const until = performance.now() + seconds * 1000;
    let round = 0;
    const ends = new Map<string, number>();
    while (performance.now() < until) {
      for (const script of fc.sample(scripts, { numRuns: 10, seed: 7_001 + round })) {
        const clock = new HandClock();
        await using guest = await openHostileGuest(liesOf(script), clock.ticks);
        for (const [name, use] of Object.entries(uses)) {
          round += 1;
          const end = await endOf(use(guest.session, round), clock);
          ends.set(end, (ends.get(end) ?? 0) + 1);
          // The script itself is too long to be read: its seed brings it back.
          const ours = /^(?:result|PyroError|ConnectError)/u.test(end);
          expect(ours ? [] : [name, `round ${round}`, end]).toEqual([]);
        }
      }
    }
    const summary = [...ends].toSorted(([, a], [, b]) => b - a).slice(0, 8);
    process.stdout.write(
      `agent messages: ${round} calls; ${summary.map(([end, count]) => `${count} ${end}`).join(", ")}\n`,
    );
  },
  600_000 + seconds * 10_000,
);

/**
 * Lets half an hour pass, and again for as long as the host may still be at work: on a busy one the half hour can be over before the
 * call begins to wait. One that waits for ever is pending all the same.
 */
async function endOf(work: Promise<unknown>, clock: HandClock): Promise<string> {
  const end = { now: "pending" };
  const settled = work.then(
    () => (end.now = "result"),
    (error: unknown) => (end.now = nameOf(error)),
  );
  const until = performance.now() + hostWorkMs;
  do {
    // What was sent arrives first; only then is it silence.
    await Promise.race([settled, delay(arrivalMs)]);
    for (let passed = 0; end.now === "pending" && passed < 1900; passed += 1) await clock.pass(1000);
  } while (end.now === "pending" && performance.now() < until);
  return end.now;
}

function nameOf(error: unknown): string {
  if (error instanceof PyroError) return `PyroError ${error.code}`;
  return error instanceof ConnectError ? `ConnectError ${error.code}` : String(error);
}
