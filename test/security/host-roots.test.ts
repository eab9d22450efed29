// Proves that a host path is judged by what it leads to at the moment it is opened, whatever its name says before and after.
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { descriptorPath, openEntry, openWithin } from "../../src/base/host-roots.js";

const root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-roots-")));
afterAll(() => rmSync(root, { recursive: true }));
for (const folder of ["project/src", "project/.git/hooks", "project-two", "allowed/.GIT"])
  mkdirSync(join(root, folder), { recursive: true });
writeFileSync(join(root, "project/file"), "x");
writeFileSync(join(root, "project-two/secret"), "x");
execFileSync("mkfifo", [join(root, "project/pipe")]);
symlinkSync("src", join(root, "project/inside"));
symlinkSync("../allowed", join(root, "project/across"));
symlinkSync("../project-two", join(root, "project/out"));
symlinkSync("../project-two/secret", join(root, "project/out-file"));
symlinkSync("../project-two/nothing", join(root, "project/out-nothing"));
symlinkSync("loop", join(root, "project/loop"));

const judge = { field: "seed_path", roots: [join(root, "project"), join(root, "allowed")] };

async function outcome(path: string): Promise<unknown> {
  try {
    await using opened = await openWithin(join(root, path), judge);
    return `${opened.kind} ${opened.path.slice(root.length + 1)}`;
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

test.each([
  ["project", "directory project"],
  ["project/file", "file project/file"],
  ["project/inside", "directory project/src"],
  ["project/across", "directory allowed"],
  // Looked at without waiting for a writer.
  ["project/pipe", "other project/pipe"],
  ["project/nothing/there", "ENOENT"],
  ["project/file/below", "ENOTDIR"],
  ["project-two", "permission_denied"],
  ["project-two/secret", "permission_denied"],
  ["project/out", "permission_denied"],
  ["project/out/secret", "permission_denied"],
  ["project/out-file", "permission_denied"],
  ["project/src/../../project-two", "permission_denied"],
  // What is missing elsewhere looks like what is there.
  ["project-two/nothing", "permission_denied"],
  ["project/out-nothing", "permission_denied"],
  ["project/out/nothing/there", "permission_denied"],
  ["project/loop", "permission_denied"],
  ["", "permission_denied"],
  ["project/.git", "permission_denied"],
  ["project/.git/hooks", "permission_denied"],
  ["allowed/.GIT", "permission_denied"],
])("%j leads to %j", async (path, expected) => {
  expect(await outcome(path)).toBe(expected);
});

test("without roots everything that the user may open may be opened, and with none nothing", async () => {
  await using opened = await openWithin(join(root, "project/out"), { field: "x", roots: undefined });
  expect(opened.path).toBe(join(root, "project-two"));
  await expect(openWithin(root, { field: "x", roots: [] })).rejects.toMatchObject({ code: "permission_denied" });
});

test("what was opened stays what it is when its name becomes a link", async () => {
  const [name, kept] = [join(root, "project/swapped"), join(root, "project/kept")];
  mkdirSync(name);
  writeFileSync(join(name, "secret"), "own");
  await using opened = await openWithin(name, judge);
  renameSync(name, kept);
  symlinkSync("../project-two", name);
  await using entry = await openEntry(opened, "secret");
  expect([entry.path, readFileSync(descriptorPath(entry), "utf8")]).toEqual([join(kept, "secret"), "own"]);
});

test("an entry is one name, and a link is not followed", async () => {
  await using folder = await openWithin(join(root, "project"), judge);
  await using link = await openEntry(folder, "out");
  expect([link.kind, link.path]).toEqual(["other", join(root, "project/out")]);
  for (const name of ["", ".", "..", "src/x", "../project-two", "a\0b"]) {
    await expect(openEntry(folder, name)).rejects.toMatchObject({ code: "invalid_argument" });
  }
});
