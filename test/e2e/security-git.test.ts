// Proves over the built command that git on the host runs nothing of a checkout, and takes no other repository along unasked.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runFolder } from "./command.js";
import { sharedHome } from "./home.js";

const home = sharedHome();

const gitEnvironment = {
  PATH: process.env["PATH"],
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "t",
  GIT_AUTHOR_EMAIL: "t@example.org",
  GIT_COMMITTER_NAME: "t",
  GIT_COMMITTER_EMAIL: "t@example.org",
};

function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync("git", args, { cwd, env: gitEnvironment, stdio: ["ignore", "pipe", "pipe"] }).toString();
}

function makeRepository(path: string): void {
  mkdirSync(join(path, "a"), { recursive: true });
  writeFileSync(join(path, "file"), "one\n");
  writeFileSync(join(path, "a/.gitignore"), "secret*\n");
  git(path, "init", "--quiet", "--initial-branch", "main");
  git(path, "add", "--all");
  git(path, "commit", "--quiet", "--message", "first");
}

/** Lacks ignore rules that git would fetch, by a program that leaves a trace. */
function arm(path: string, traces: string): void {
  const rules = git(path, "rev-parse", "HEAD:a/.gitignore").trim();
  git(path, "update-index", "--skip-worktree", "a/.gitignore");
  rmSync(join(path, "a/.gitignore"));
  rmSync(join(path, ".git/objects", rules.slice(0, 2), rules.slice(2)));
  writeFileSync(join(path, "a/secret"), "not for the guest\n");
  const settings = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "origin",
    "remote.origin.url": path,
    "remote.origin.promisor": "true",
    "remote.origin.uploadpack": `touch ${traces}/uploadpack;`,
    "core.fsmonitor": `touch ${traces}/fsmonitor;`,
    "filter.all.clean": `touch ${traces}/clean; cat`,
    "diff.external": `touch ${traces}/diff;`,
  };
  for (const [key, value] of Object.entries(settings)) git(path, "config", key, value);
  writeFileSync(join(path, ".git/info/attributes"), "* filter=all\n");
}

async function created(args: readonly string[]) {
  const { code, stdout } = await home.pyro(["workspace", "create", "--json", ...args]);
  expect(code).toBe(0);
  const view = JSON.parse(stdout.toString()) as {
    workspace_id: string;
    workspace_seed: { skipped: readonly { path: string; reason: string }[] };
  };
  const id = view.workspace_id;
  return {
    id,
    skipped: view.workspace_seed.skipped,
    exec: (script: string) => home.pyro(["workspace", "exec", id, "--", "sh", "-c", script]),
    [Symbol.asyncDispose]: async () => {
      await home.pyro(["workspace", "delete", id]);
    },
  };
}

test("[workspace-git-safety] an armed checkout is seeded, changed, diffed and pushed, and nothing of it runs", async () => {
  const folder = mkdtempSync(join(runFolder(), "armed-"));
  const [path, traces] = [join(folder, "repository"), join(folder, "traces")];
  mkdirSync(traces);
  makeRepository(path);
  arm(path, traces);
  await using workspace = await created(["--seed-path", path]);
  const saying = (text: string) => expect.stringContaining(text) as string;
  expect(workspace.skipped).toStrictEqual([
    { path: "a", reason: saying("partial clone lacks its ignore rules") },
    { path: ".git/objects", reason: saying("a partial clone: git inside cannot fetch") },
    { path: ".git/config", reason: saying("of its filters all none is required inside") },
  ]);
  const inside = await workspace.exec("test ! -e a/secret && echo two > file");
  expect([inside.code, inside.stderr]).toStrictEqual([0, ""]);
  const diff = await home.pyro(["workspace", "diff", workspace.id]);
  expect(diff.stdout.toString()).toContain("+two\n");
  const pushed = await home.pyro(["workspace", "sync", "push", workspace.id, path]);
  expect(pushed.code).toBe(0);
  const after = await workspace.exec("test ! -e a/secret && cat file");
  expect([after.code, after.stdout.toString()]).toStrictEqual([0, "one\n"]);
  expect(readdirSync(traces)).toStrictEqual([]);
  rmSync(folder, { recursive: true });
});

test("[workspace-lender] objects of another repository come along only by --allow-host-path, which the result names", async () => {
  const folder = mkdtempSync(join(runFolder(), "lender-"));
  const [lender, borrower] = [join(folder, "lender"), join(folder, "borrower")];
  makeRepository(lender);
  git(folder, "clone", "--quiet", "--shared", lender, borrower);
  const objects = join(lender, ".git/objects");
  await using without = await created(["--seed-path", borrower]);
  const reason = `borrows from ${objects}, which is left out (--allow-host-path ${objects} admits it): git inside lacks objects`;
  expect(without.skipped).toStrictEqual([{ path: ".git/objects/info/alternates", reason }]);
  expect((await without.exec("cat file && git log")).code).not.toBe(0);
  await using allowed = await created(["--seed-path", borrower, "--allow-host-path", objects]);
  expect(allowed.skipped).toStrictEqual([]);
  const log = await allowed.exec("git log --format=%s && git status --porcelain");
  expect([log.code, log.stdout.toString()]).toStrictEqual([0, "first\n"]);
  rmSync(folder, { recursive: true });
});
