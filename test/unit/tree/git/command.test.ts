// Proves that what git says of a failure reaches a person whole.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { git } from "../../../../src/tree/git/command.js";

const { signal } = new AbortController();
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-git-command-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("a message of git's keeps the lines that go on with it, and what it advises does not belong to it", async () => {
  const gitDir = join(home, ".git");
  execFileSync("git", ["init", "--quiet", "--bare", gitDir]);
  const set = (key: string, value: string) =>
    execFileSync("git", ["config", "--file", join(gitDir, "config"), key, value]);
  set("core.repositoryFormatVersion", "1");
  set("extensions.pyroTest", "true");
  await expect(git({ args: ["rev-parse", "HEAD"], gitDir, signal })).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringMatching(/^git: unknown repository extension found: pyrotest$/u) as string,
  });
  await expect(git({ args: ["cat-file"], gitDir: join(home, "none"), signal })).rejects.toMatchObject({
    message: expect.stringMatching(/^git: not a git repository: '[^']*'$/u) as string,
  });
});
