// Owns the checkout of a user that a recipe starts from: a small shell project whose test fails. Leaves nothing.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runFolder } from "../command.js";

export interface Project extends Disposable {
  readonly path: string;
  write(name: string, text: string | Uint8Array): void;
  /** Runs git in it and returns what it printed. */
  git(args: readonly string[], input?: string): string;
  /** Runs the project's test on this host. */
  test(): { readonly code: number | null; readonly stderr: string };
  /** Changes with every name, content, mode and link in it, its .git included. */
  digest(): string;
}

export const testCommand = "sh test/slug.sh";

/** What the test says before the fault is fixed. */
export const failure = "slug '  Two  spaces ' is '--two--spaces-', not 'two-spaces'\n";

/** Makes the test pass. */
export const fix = `--- a/src/slug.sh
+++ b/src/slug.sh
@@ -1,4 +1,4 @@
 # Prints a title as a part of a URL.
 slug() {
-  printf '%s' "$1" | tr 'A-Z ' 'a-z-'
+  printf '%s' "$1" | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//'
 }
`;

const files: Readonly<Record<string, string>> = {
  "src/slug.sh": `# Prints a title as a part of a URL.
slug() {
  printf '%s' "$1" | tr 'A-Z ' 'a-z-'
}
`,
  "test/slug.sh": `. src/slug.sh
failed=0
check() {
  got=$(slug "$1")
  [ "$got" = "$2" ] || { echo "slug '$1' is '$got', not '$2'" >&2; failed=1; }
}
check 'Hello World' hello-world
check '  Two  spaces ' two-spaces
exit $failed
`,
};

export function makeProject(): Project {
  const path = mkdtempSync(join(runFolder(), "project-"));
  const write: Project["write"] = (name, text) => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  };
  const git: Project["git"] = (args, input = "") =>
    execFileSync("git", args, { cwd: path, env: gitEnvironment, input }).toString();
  for (const [name, text] of Object.entries(files)) write(name, text);
  git(["init", "--quiet", "--initial-branch", "main"]);
  git(["add", "--all"]);
  git(["commit", "--quiet", "--message", "first"]);
  return {
    path,
    write,
    git,
    test: () => {
      const { status, stderr } = spawnSync("sh", ["test/slug.sh"], { cwd: path });
      return { code: status, stderr: stderr.toString() };
    },
    digest: () =>
      execFileSync("sh", ["-c", "tar --sort=name --mtime=@0 -cf - . | sha256sum"], { cwd: path }).toString(),
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}

/** Nothing of the developer's own configuration. */
const gitEnvironment = {
  ...{ PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
  ...{ GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@example.org" },
  ...{ GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@example.org" },
};
