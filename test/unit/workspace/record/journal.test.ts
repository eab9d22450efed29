// Proves that a journal is read line by line whatever some of them are, and that what is noted at once stands in order.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { appendJournal, mendJournal, readJournal } from "../../../../src/workspace/record/journal.js";
import { openWorld } from "../../../security/world.js";

const folder = mkdtempSync(join(tmpdir(), "pyro-lines-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = "2026-01-01T00:00:00Z";
const note = (detail: string) => ({ type: "file_write", at, detail }) as const;

test("one that was never written is empty", async () => {
  expect(await readJournal(join(folder, "none"))).toEqual([]);
});

test("lines of a later pyro, lines that are garbled and one that was torn are passed over, the others are read", async () => {
  const path = join(folder, "mixed");
  const lines = [
    JSON.stringify(note("first")),
    JSON.stringify({ type: "of_later", at, sequence: 1, whatever: { it: "says" } }),
    "",
    "no JSON",
    "null",
    JSON.stringify({ type: "exec_ended", sequence: "one" }),
    JSON.stringify({ ...note("second"), more: "of a later pyro" }),
    '{"type":"file_write","at":"2026',
  ];
  writeFileSync(path, lines.join("\n"));
  expect(await readJournal(path)).toEqual([note("first"), note("second")]);
  await mendJournal(path);
  await appendJournal(path, note("third"));
  expect(await readJournal(path)).toEqual([note("first"), note("second"), note("third")]);
});

test("mending one that is whole changes nothing", async () => {
  const path = join(folder, "whole");
  await appendJournal(path, note("only"));
  const before = readFileSync(path, "utf8");
  await mendJournal(path);
  expect(readFileSync(path, "utf8")).toBe(before);
});

test("what a workspace is told to note all at once stands in the order in which it was told", async () => {
  await using world = await openWorld({});
  const workspace = world.store.find(await world.create());
  const details = Array.from({ length: 50 }, (_, index) => String(index));
  await Promise.all(details.map((detail) => workspace.note({ type: "file_write", detail })));
  const lines = await readJournal(workspace.files.journal);
  expect(lines.flatMap((line) => (line.type === "file_write" ? [line.detail] : []))).toEqual(details);
});
