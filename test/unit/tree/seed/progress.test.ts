// Proves that whoever waits for a copy of their files hears which, how many, of how many, and how many bytes.
import { expect, test } from "vitest";
import type { ProgressEvent } from "../../../../src/base/progress.js";
import { copyProgress } from "../../../../src/tree/seed/copy-progress.js";

test("a copy tells its folder, its files and its bytes, every 64 files and every 4 MiB", () => {
  const events: ProgressEvent[] = [];
  const copy = copyProgress((event) => events.push(event), 6569);
  for (let index = 0; index < 130; index += 1) {
    copy.file(index < 100 ? `node_modules/a/${index}` : "index.js");
    copy.bytes(1000);
  }
  copy.bytes(5 * 1024 * 1024);
  const event = { phase: "seed", unit: "steps", things: "files", total: 6569 };
  expect(events).toEqual([
    { ...event, message: "Copying node_modules", done: 64, bytes: 63_000 },
    { ...event, message: "Copying your files", done: 128, bytes: 127_000 },
    { ...event, message: "Copying your files", done: 130, bytes: 130_000 + 5 * 1024 * 1024 },
  ]);
});

test("a folder's name cannot fill the line or break it", () => {
  const events: ProgressEvent[] = [];
  const copy = copyProgress((event) => events.push(event), 1);
  for (let index = 0; index < 64; index += 1) copy.file(`${"x".repeat(500)}/f`);
  expect(events.map(({ message }) => message)).toEqual([`Copying ${"x".repeat(40)}`]);
});
