// Owns the user's project that a chat host works on: a Git checkout with a failing test and work that is not committed. Leaves nothing.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Project {
  readonly path: string;
  /** Runs git in it and returns what it printed. */
  git(...args: readonly string[]): string;
}

export const testCommand = "python3 -B -m unittest --quiet";

/** Makes the test pass. */
export const fix = [
  "--- a/basket.py",
  "+++ b/basket.py",
  "@@ -1,2 +1,2 @@",
  " def total(prices):",
  "-    return sum(prices[1:])",
  "+    return sum(prices)",
  "",
].join("\n");

export const fixedModule = "def total(prices):\n    return sum(prices)\n";

const test = `import unittest
from basket import total
class Total(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([2, 3]), 5)
`;

/** Makes it in `path`, which must not exist. */
export function makeProject(path: string): Project {
  mkdirSync(path);
  const write = (name: string, text: string) => writeFileSync(join(path, name), text);
  const git: Project["git"] = (...args) => execFileSync("git", args, { cwd: path, env: gitEnvironment }).toString();
  write("basket.py", "def total(prices):\n    return sum(prices[1:])\n");
  write("README", "A basket.\n");
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--quiet", "--message", "first");
  write("README", "A basket, being edited.\n");
  write("test_basket.py", test);
  return { path, git };
}

/** Nothing of the developer's own configuration. */
const gitEnvironment = {
  PATH: process.env["PATH"],
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "t",
  GIT_AUTHOR_EMAIL: "t@example.org",
  GIT_COMMITTER_NAME: "t",
  GIT_COMMITTER_EMAIL: "t@example.org",
};
