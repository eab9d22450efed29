// Proves that what happens in a daemon can be read afterwards: bounded, without what callers wrote, and never at the cost of a call.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { PyroError } from "../../../src/base/error.js";
import { report, reportFault, reportFlight } from "../../../src/base/report.js";
import { stageDone } from "../../../src/base/stage.js";
import { callDaemon } from "../../../src/client/call.js";
import { LogFile, maxLineBytes, olderLogPath } from "../../../src/daemon/log-file.js";
import { followLog, readLog } from "../../../src/daemon/log-reader.js";
import { keepLog } from "../../../src/daemon/log.js";
import { listen } from "../../../src/daemon/server.js";
import { speakerFor } from "../../../src/surface/cli/speaker.js";
import { logText } from "../../../src/operations/log-text.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-log-"));
  path = join(folder, "daemon.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = z.array(z.string());
const everything = { lines: 10_000 };

test("a fault of a handler reaches the caller with the call under which the log has operation, duration, stack and every cause", async () => {
  const create = () => {
    report("machine restored", { machine: "vm_a" });
    const cause = new Error("at https://user:secret@host/x", { cause: new TypeError("deepest") });
    return Promise.reject(new Error("boom", { cause }));
  };
  using _log = keepLog({ path });
  const error = await callTo({ create }, { name: "workspace_create", input: { repo_url: "https://host/private" } });
  const { call_id: call = "" } = error.toBody();
  expect(error.spelledBy(await speakerFor(error.said.parts)).toBody()).toEqual({
    code: "internal",
    message: "boom",
    hint: `This is a fault in pyro; \`pyro daemon log --call ${call}\` has the details. Call again, and report it if it repeats.`,
    call_id: call,
  });
  const fields = { at: expect.any(String), call };
  const ended = { operation: "workspace_create", ms: expect.any(Number), code: "internal" };
  const stack = expect.stringContaining("log.test.ts");
  expect(await readLog(path, { ...everything, call })).toEqual([
    { ...fields, event: "call begun", operation: "workspace_create", surface: "mcp" },
    { ...fields, event: "machine restored", machine: "vm_a" },
    {
      ...{ ...fields, event: "call failed", ...ended },
      fault: {
        ...{ message: "boom", code: "internal", stack: expect.any(String) },
        cause: {
          ...{ message: "boom", stack },
          cause: { message: "at https://***@host/x", stack, cause: { message: "deepest", stack } },
        },
      },
    },
  ]);
  expect(readFileSync(path, "utf8")).not.toMatch(/private|secret/u);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a call that ends well, and one whose input is refused, leave begin and end; what was wrong with the input is not kept", async () => {
  using _log = keepLog({ path });
  const list = () => ({ workspaces: [], quarantined: [] });
  await callTo({ list }, { name: "env_list", input: { wrong: "secret" } });
  await callTo({ list }, { name: "no/such", input: {} });
  const entries = (await readLog(path, everything)).map(({ event, operation, code, message }) => ({
    ...{ event, operation, code, message },
  }));
  expect(entries).toEqual([
    { event: "call begun", operation: "env_list" },
    { event: "call failed", operation: "env_list", code: "invalid_argument" },
    { event: "call begun", operation: "(none)" },
    { event: "call failed", operation: "(none)", code: "not_found", message: 'There is no operation "no%2Fsuch".' },
  ]);
});

test("lines and files stay within their bounds, and the last lines are there", async () => {
  using file = new LogFile({ path, isShort: () => false });
  const text = "x".repeat(12_000);
  for (let number = 0; number < 1000; number += 1) file.write({ at: "", event: "e", number, text });
  file.write({ at: "", event: "long", list: Array.from({ length: 10_000 }, () => text) });
  const sizes = [path, olderLogPath(path)].map((each) => statSync(each).size);
  expect(sizes.filter((size) => size > 4 * 1024 ** 2)).toEqual([]);
  const lines = [olderLogPath(path), path].flatMap((each) => readFileSync(each, "utf8").split("\n"));
  expect(lines.filter((line) => line.length > maxLineBytes)).toEqual([]);
  const last = await readLog(path, { lines: 3 });
  expect(last.map(({ event, number }) => number ?? event)).toEqual([998, 999, "long"]);
});

test("where the disk has little room left, a sixteenth has to do", () => {
  using file = new LogFile({ path, isShort: () => true });
  for (let number = 0; number < 1000; number += 1) file.write({ at: "", event: "e", text: "x".repeat(2000) });
  const sizes = [path, olderLogPath(path)].map((each) => statSync(each).size);
  expect(sizes.filter((size) => size > 256 * 1024)).toEqual([]);
});

test("what cannot be written fails nobody, and is counted in the next line", async () => {
  using file = new LogFile({ path: join(folder, "later", "daemon.log"), isShort: () => false });
  file.write({ at: "", event: "first" });
  file.write({ at: "", event: "second" });
  mkdirSync(join(folder, "later"));
  file.write({ at: "", event: "third" });
  file.write({ at: "", event: "fourth" });
  expect(await readLog(join(folder, "later", "daemon.log"), everything)).toEqual([
    { at: "", event: "third", lines_lost: 2 },
    { at: "", event: "fourth" },
  ]);
});

test("lines that are none of the log's are passed over: cut off, of an older version, without a time", async () => {
  writeFileSync(path, 'sweep: Error\n{"at":"","event":"kept"}\n{"event":"no time"}\n{"at":"","eve');
  using file = new LogFile({ path, isShort: () => false });
  file.write({ at: "", event: "after" });
  expect(await readLog(path, everything)).toEqual([
    { at: "", event: "kept" },
    { at: "", event: "after" },
  ]);
});

test("whoever follows gets the last lines, then each new one once, over changes of files, until aborted", async () => {
  using file = new LogFile({ path, isShort: () => true });
  const write = (from: number, to: number) => {
    for (let number = from; number < to; number += 1)
      file.write({ at: "", event: "e", number, text: "x".repeat(2000) });
  };
  write(0, 10);
  const seen: unknown[] = [];
  const stop = new AbortController();
  const take = async (entries: readonly Readonly<Record<string, unknown>>[]) => {
    seen.push(...entries.map(({ number }) => number));
    // Each step is more than half a file, so that some of the looks meet a new one.
    const [last] = seen.slice(-1);
    if (last === 9) write(10, 90);
    if (last === 89) write(90, 170);
    if (last === 169) stop.abort();
  };
  await followLog(path, { lines: 2 }, { signal: stop.signal, take });
  expect(seen).toEqual([8, 9, ...Array.from({ length: 160 }, (_, index) => index + 10)]);
});

test("whoever follows a log that is not there yet waits for it", async () => {
  const stop = new AbortController();
  const seen: unknown[] = [];
  const take = async (entries: readonly Readonly<Record<string, unknown>>[]) => {
    seen.push(...entries.map(({ event }) => event));
    if (seen.length > 0) stop.abort();
    else new LogFile({ path, isShort: () => false }).write({ at: "", event: "first" });
  };
  await followLog(path, everything, { signal: stop.signal, take });
  expect(seen).toEqual(["first"]);
});

test("PYRO_DEBUG adds the stages of its topics, names those that do not exist, and without it none are kept", async () => {
  const tell = () => {
    stageDone("vm_a", "preface echoed");
    stageDone("vm_a", "> 1 cont {}", "qmp");
    stageDone("seed", "open", "seed");
  };
  using quiet = keepLog({ path });
  tell();
  quiet[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
  using _log = keepLog({ path, debug: "qmp, seed,disk" });
  tell();
  const at = expect.any(String);
  const topics = ["call", "machine", "guest", "qmp", "pool", "seed"];
  expect(await readLog(path, everything)).toEqual([
    { at, event: "PYRO_DEBUG has unknown topics", unknown: ["disk"], topics },
    { at, event: "qmp", id: "vm_a", stage: "> 1 cont {}" },
    { at, event: "seed", id: "seed", stage: "open" },
  ]);
});

test("of a machine in trouble the log has its last 256 stages, the last lines to what runs it, and its console's end", async () => {
  using _log = keepLog({ path });
  for (let number = 0; number < 300; number += 1) {
    stageDone("vm_a", `stage ${number}`);
    stageDone("vm_a", `> ${number} cont {}`, "qmp");
    stageDone(`vm_${number % 50}`, "of another");
  }
  reportFlight("vm_a", "no answer", `${"x".repeat(10_000)}last words`);
  reportFlight("vm_gone", "never heard of");
  const [flight, unknown] = await readLog(path, everything);
  const {
    stages,
    control,
    console: tail,
  } = z.object({ stages: lines, control: lines, console: z.string() }).parse(flight);
  const told = (kept: readonly string[]) => kept.map((line) => line.replace(/^\d+ ms ago: /u, ""));
  expect(told(stages)).toEqual(Array.from({ length: 256 }, (_, index) => `stage ${index + 44}`));
  expect(told(control)).toEqual(Array.from({ length: 64 }, (_, index) => `> ${index + 236} cont {}`));
  expect([tail.length, tail.endsWith("last words")]).toEqual([8192, true]);
  expect(unknown).toMatchObject({
    event: "machine in trouble",
    machine: "vm_gone",
    stages: [],
    control: [],
    console: "",
  });
});

test("nothing in the log steers the terminal of who reads it", () => {
  using _log = keepLog({ path });
  reportFault("machine not started", new Error("\u001b[2J\u202eevil\nsecond"), { why: ["a\u0007", "b\rc"] });
  const entry = JSON.parse(readFileSync(path, "utf8").trim());
  expect(logText({ ...entry, "n\u001b": "v\u001b" })).not.toMatch(/[^\n\t\x20-\x7e…]/u);
});

/** The error with which a call to a daemon that offers these workspaces fails. */
async function callTo(
  workspaces: object,
  call: { readonly name: string; readonly input: unknown },
): Promise<PyroError> {
  const socketPath = join(folder, "daemon.sock");
  const parts = { workspaces } as never;
  const server = await listen({
    socketPath,
    parts,
    onActivity: () => undefined,
    onHandOver: () => undefined,
    isRecorded: () => Promise.resolve(false),
  });
  try {
    await callDaemon(socketPath, call, { surface: "mcp" });
  } catch (error) {
    if (error instanceof PyroError) return error;
    throw error;
  } finally {
    await server.close();
  }
  throw new Error("The call did not fail.");
}
