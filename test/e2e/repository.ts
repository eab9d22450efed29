// Owns the Git repository of a user that workspace tests start from: committed files, uncommitted edits, odd names. Leaves nothing.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runFolder } from "./command.js";

export interface Repository extends Disposable {
  readonly path: string;
  /** Runs git in it and returns what it printed. */
  git(...args: readonly string[]): string;
  /** Applies a patch to the working tree, as `git apply` does. */
  apply(patch: string | Uint8Array): void;
}

/** Files besides those that the story is about. */
const fillerCount = 300;

/** A name that is no UTF-8 and has a newline. */
export const oddName = Buffer.from("odd-\xff\nname", "latin1");

/** Makes the test pass; the edit beside it is the user's own and uncommitted. */
export const fix = [
  "--- a/src/calc.sh",
  "+++ b/src/calc.sh",
  "@@ -1,3 +1,3 @@",
  " add() {",
  "-  echo $(($1 - $2))",
  "+  echo $(($1 + $2))",
  " }",
  "",
].join("\n");

export const fixedCalc = "add() {\n  echo $(($1 + $2))\n}\n";

/** What runs the repository's test. */
export const testCommand = "sh test/run.sh";

export function makeRepository(): Repository {
  const path = mkdtempSync(join(runFolder(), "repository-"));
  const write = (name: string, text: string) => writeFileSync(join(path, name), text);
  const git: Repository["git"] = (...args) => execFileSync("git", args, { cwd: path, env: gitEnvironment }).toString();
  for (const folder of ["src", "test", "ignored"]) mkdirSync(join(path, folder));
  for (let index = 0; index < fillerCount; index += 1) write(`src/part${index}.txt`, `part ${index}\n`);
  write("src/calc.sh", "add() {\n  echo $(($1 - $2))\n}\n");
  write(
    "test/run.sh",
    '. src/calc.sh\ngot=$(add 2 3)\n[ "$got" = 5 ] || { echo "2 + 3 is $got" >&2; exit 1; }\necho passed\n',
  );
  write(".gitignore", "ignored/\n");
  write("ignored/secret.txt", "not for the guest\n");
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), oddName]), "odd\n");
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--quiet", "--message", "first");
  write("src/part1.txt", "edited, not committed\n");
  write("new.txt", "untracked\n");
  return {
    path,
    git,
    apply: (patch) => {
      execFileSync("git", ["apply", "-"], { cwd: path, env: gitEnvironment, input: patch });
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
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
