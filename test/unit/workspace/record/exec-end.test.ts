// Proves that the journal keeps how a command ended, its signal included, in lines that earlier versions read as they always did.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { notExited, type Outcome } from "../../../../src/process/outcome.js";
import { execEndLines, execEnds, lostExec, type ExecEnd } from "../../../../src/workspace/record/exec-end.js";
import { appendJournal, readJournal } from "../../../../src/workspace/record/journal.js";

const folder = mkdtempSync(join(tmpdir(), "pyro-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const exited: Outcome = {
  ...{ state: "exited", exitCode: 0, signal: null, timedOut: false, oomKilled: false, canceled: false },
  durationMs: 7,
};

test("what was noted of each command's end is read back whole, also where a signal ended it or nobody saw it", async () => {
  const ends: readonly ExecEnd[] = [
    { outcome: exited, droppedBytes: 3 },
    { outcome: { ...exited, exitCode: 137, signal: "KILL", oomKilled: true }, droppedBytes: 0 },
    { outcome: { ...exited, exitCode: 124, signal: "KILL", timedOut: true }, droppedBytes: 0 },
    lostExec,
    { outcome: { ...notExited("lost", 0), canceled: true }, droppedBytes: 0 },
  ];
  const path = join(folder, "journal.jsonl");
  for (const [index, end] of ends.entries()) {
    for (const line of execEndLines(index + 1, end)) await appendJournal(path, { ...line, at: "2026-01-01T00:00:00Z" });
  }
  expect([...execEnds(await readJournal(path))]).toEqual(ends.map((end, index) => [index + 1, end]));
});

test("a line of an end has the fields of format 1 and no other, so that an earlier pyro reads it", () => {
  const golden = readFileSync("test/golden/format-1/journal.jsonl", "utf8").trimEnd().split("\n");
  const [kept = ""] = golden.filter((line) => line.includes('"exec_ended"'));
  const signaled = { outcome: { ...exited, signal: "TERM" }, droppedBytes: 0 };
  const [signal, end] = execEndLines(1, signaled);
  expect(signal).toEqual({ type: "exec_signaled", sequence: 1, signal: "TERM" });
  const fields = Object.keys({ ...end, at: "" });
  expect(fields.sort()).toEqual(Object.keys(JSON.parse(kept) as object).sort());
});

test("a signal that was noted by a daemon that died before the end counts for nothing", async () => {
  const path = join(folder, "torn.jsonl");
  const at = "2026-01-01T00:00:00Z";
  await appendJournal(path, { type: "exec_signaled", at, sequence: 1, signal: "KILL" });
  expect([...execEnds(await readJournal(path))]).toEqual([]);
  for (const line of execEndLines(1, lostExec)) await appendJournal(path, { ...line, at });
  expect([...execEnds(await readJournal(path))]).toEqual([[1, lostExec]]);
});

test("an end that an earlier pyro wrote has no signal", async () => {
  const ends = execEnds(await readJournal("test/golden/format-1/journal.jsonl"));
  expect([...ends]).toEqual([
    [1, { outcome: { ...exited, exitCode: 3, durationMs: 198 }, droppedBytes: 0 }],
    [2, { outcome: { ...exited, durationMs: 137 }, droppedBytes: 0 }],
  ]);
});
