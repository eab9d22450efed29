// Proves that a folder is listed once for all the files of a patch that lie in it, and that a huge one is not kept.
import { expect, test } from "vitest";
import { FolderEntries, type FoundEntry } from "../../../src/workspace/files/folder-entries.js";

/** `count` entries, and how many of them were asked for. */
function folderOf(count: number, targetBytes = 0) {
  const seen = { lists: 0, entries: 0 };
  async function* list(): AsyncGenerator<FoundEntry> {
    seen.lists += 1;
    for (let at = 0; at < count; at += 1) {
      seen.entries += 1;
      const linkTarget = targetBytes === 0 ? {} : { linkTarget: Buffer.alloc(targetBytes) };
      yield { path: Buffer.from(`d/f${at}`), kind: "file", mode: 0o644, size: at, ...linkTarget };
    }
  }
  return { seen, list };
}

const folder = Buffer.from("d");

test("ten thousand files of one folder are found with one list, and what is not there is not", async () => {
  const { seen, list } = folderOf(10_000);
  const entries = new FolderEntries();
  for (let at = 0; at < 10_000; at += 1) {
    expect((await entries.find(Buffer.from(`d/f${at}`), folder, list))?.size).toBe(at);
  }
  expect(await entries.find(Buffer.from("d/other"), folder, list)).toBeUndefined();
  expect(seen).toEqual({ lists: 1, entries: 10_000 });
});

test("a folder that is too large to be kept is gone through as far as the file each time", async () => {
  const { seen, list } = folderOf(9000, 4000);
  const entries = new FolderEntries();
  expect((await entries.find(Buffer.from("d/f8000"), folder, list))?.size).toBe(8000);
  expect((await entries.find(Buffer.from("d/f8999"), folder, list))?.size).toBe(8999);
  expect(seen).toEqual({ lists: 2, entries: 8001 + 9000 });
});
