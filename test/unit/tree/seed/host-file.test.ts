// Proves which paths of the host are a single file to a push, and what is read of it.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openHostFile } from "../../../../src/tree/seed/host-file.js";

const task = { signal: new AbortController().signal, progress: () => undefined };

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "pyro-host-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function read(path: string, more: { asItIs?: boolean; allowedRoots?: readonly string[] } = {}) {
  await using file = await openHostFile({ path, allowedRoots: undefined, ...more }, task);
  if (file === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of file.content) pieces.push(Buffer.from(piece));
  const { name, size, mode, mtimeSeconds } = file;
  return { name, size, mode, mtimeSeconds, content: Buffer.concat(pieces).toString() };
}

test("a file is what its path leads to, under the name that was given, without special bits", async () => {
  const folder = place();
  const path = join(folder, "odd \n 'ä' ");
  writeFileSync(path, "content");
  utimesSync(path, 1000, 1000);
  chmodSync(path, 0o4755);
  symlinkSync(path, join(folder, "link"));
  const facts = { size: 7, mode: 0o755, mtimeSeconds: 1000, content: "content" };
  expect(await read(path)).toEqual({ name: "odd \n 'ä' ", ...facts });
  expect(await read(join(folder, "link"))).toEqual({ name: "link", ...facts });
  writeFileSync(join(folder, "empty"), "");
  expect(await read(join(folder, "empty"))).toMatchObject({ size: 0, content: "" });
});

test("a file of many pieces is whole, and one that shrinks ends where it ends", async () => {
  const folder = place();
  const path = join(folder, "large");
  writeFileSync(path, "x".repeat(1_000_001));
  expect((await read(path))?.content).toBe("x".repeat(1_000_001));
  await using file = await openHostFile({ path, allowedRoots: undefined }, task);
  truncateSync(path, 3);
  const pieces: string[] = [];
  for await (const piece of file?.content ?? []) pieces.push(Buffer.from(piece).toString());
  expect(pieces).toEqual(["xxx"]);
});

test("a folder is none, and neither is an archive by its name unless it is wanted as it is", async () => {
  const folder = place();
  mkdirSync(join(folder, "d.txt"));
  expect(await read(join(folder, "d.txt"))).toBeUndefined();
  for (const name of ["a.tar", "a.tar.gz", "a.tgz", "a.tar.zst"]) {
    writeFileSync(join(folder, name), "no archive");
    expect(await read(join(folder, name))).toBeUndefined();
    expect(await read(join(folder, name), { asItIs: true })).toMatchObject({ name, content: "no archive" });
  }
});

test("what is no file is refused as what it is, and nothing waits for it; nor is anything read outside of the roots", async () => {
  const folder = place();
  execFileSync("mkfifo", [join(folder, "pipe")]);
  await expect(read(join(folder, "pipe"))).rejects.toMatchObject({
    code: "invalid_argument",
    message: `source_path: ${join(folder, "pipe")} is a named pipe (FIFO), not a file or folder.`,
  });
  await expect(read("/dev/zero")).rejects.toMatchObject({
    message: "source_path: /dev/zero is a device, not a file or folder.",
  });
  await expect(read(join(folder, "none"))).rejects.toMatchObject({ code: "not_found" });
  mkdirSync(join(folder, "root"));
  writeFileSync(join(folder, "secret"), "");
  symlinkSync("../secret", join(folder, "root/out"));
  for (const path of [join(folder, "secret"), join(folder, "root/out")])
    await expect(read(path, { allowedRoots: [join(folder, "root")] })).rejects.toMatchObject({
      code: "permission_denied",
    });
});
