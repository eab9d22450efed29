// Proves that a folder of a checkout is seeded by that checkout's rules, that its .git stays where it is, and where no rules count.

import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeeds, type Seeds } from "../../../../src/tree/seed/seeds.js";
import { git, treeOf, unpack } from "./tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let repo: string;
let seeds: Seeds;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "pyro-seed-part-")));
  repo = join(home, "repo");
  seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "clones") });
  makeCheckout();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(path: string, text = "x\n"): void {
  mkdirSync(join(repo, path, ".."), { recursive: true });
  writeFileSync(join(repo, path), text);
}

function makeCheckout(): void {
  mkdirSync(repo);
  git(repo, "init", "-q", "-b", "main");
  write(".gitignore", ".env\nnode_modules\n/web/made\n");
  write("web/.gitignore", "*.log\n");
  write("web/src/main");
  write("web/gone");
  write("other/file");
  git(repo, "add", ".");
  git(repo, "commit", "-qm", "first");
  rmSync(join(repo, "web/gone"));
  for (const path of ["web/new", "web/.env", "web/made/x", "web/a.log", "web/node_modules/a/index.js"]) write(path);
}

const ours = [".gitignore", "new", "src", "src/main"];

async function seeded(path: string, { roots, include = [] }: { roots?: string[]; include?: string[] } = {}) {
  const seed = await seeds.prepare({ seed_path: path, include, sshAgent: undefined, allowedRoots: roots }, task);
  const folder = unpack(seed.imagePath, home);
  return { paths: Object.keys(treeOf(folder)).toSorted(), facts: seed.facts };
}

const partOf = (prefix: string) => ({
  path: ".git",
  reason: `${prefix}/ is a part of the checkout ${repo}: what that ignores is left out, and git inside lacks its history`,
});

test("a folder below a checkout's root has the files that the checkout counts as its own, and the result says so", async () => {
  const { paths, facts } = await seeded(join(repo, "web"));
  expect(paths).toEqual(ours);
  expect(facts).toMatchObject({ mode: "directory", commit: null, skipped: [partOf("web")] });
  expect((await seeded(join(repo, "web/src"))).facts.skipped).toEqual([partOf("web/src")]);
  const more = await seeded(join(repo, "web"), { include: ["node_modules"] });
  expect(more.paths).toEqual([...ours, "node_modules", "node_modules/a", "node_modules/a/index.js"].toSorted());
});

test("a folder that the checkout ignores, or that lies in such a one, is whole; an empty one is empty", async () => {
  expect((await seeded(join(repo, "web/made"))).paths).toEqual(["x"]);
  const inside = await seeded(join(repo, "web/node_modules/a"));
  expect([inside.paths, inside.facts.skipped]).toEqual([["index.js"], []]);
  mkdirSync(join(repo, "empty"));
  expect(await seeded(join(repo, "empty"))).toMatchObject({ paths: [], facts: { skipped: [partOf("empty")] } });
});

test("a pushed folder follows the same rules", async () => {
  const pushed = await seeds.openTree({ path: join(repo, "web"), allowedRoots: undefined }, task);
  writeFileSync(join(home, "out.tar"), await buffer(pushed.archive));
  const names = execFileSync("tar", ["--list", "--file", join(home, "out.tar")])
    .toString()
    .trim()
    .split("\n");
  expect(names.map((name) => name.replace(/\/$/u, "")).toSorted()).toEqual(ours);
  expect(pushed.skipped).toEqual([partOf("web")]);
});

test("where only some folders may be used, a checkout outside them is not read, and the folder is refused", async () => {
  const message = `seed_path: ${repo}/web is part of a checkout that was not named.`;
  const refused = { code: "permission_denied", message };
  await expect(seeded(join(repo, "web"), { roots: [join(repo, "web")] })).rejects.toMatchObject(refused);
  expect((await seeded(join(repo, "web"), { roots: [repo] })).paths).toEqual(ours);
});

test("another user's checkout has no say, and the result names it", async ({ skip }) => {
  if (process.getuid?.() !== 0) skip("only root can give a folder to another user");
  chownSync(repo, 65534, 65534);
  const { paths, facts } = await seeded(join(repo, "web"));
  expect(paths).toContain(".env");
  const reason = `the checkout ${repo} is another user's: its ignore rules do not count`;
  expect(facts.skipped).toEqual([{ path: ".git", reason }]);
});

test("a linked worktree and a submodule have their own rules, also a folder of theirs", async () => {
  const tree = join(home, "tree");
  git(repo, "worktree", "add", "-q", "-b", "side", tree);
  writeFileSync(join(tree, "web/.env"), "x");
  expect((await seeded(join(tree, "web"))).paths).toEqual([".gitignore", "gone", "src", "src/main"]);
});

test("a linked worktree whose repository was moved is listed by the rules among its files, and the result says what it lacks", async () => {
  const tree = join(home, "tree");
  git(repo, "worktree", "add", "-q", "-b", "side", tree);
  writeFileSync(join(tree, ".env"), "x");
  mkdirSync(join(tree, "web/node_modules"));
  writeFileSync(join(tree, "web/node_modules/x"), "x");
  renameSync(repo, `${repo}-moved`);
  const { paths, facts } = await seeded(tree);
  expect(paths).toEqual(
    [".gitignore", "other", "other/file", "web", "web/.gitignore", "web/gone", "web/src", "web/src/main"].toSorted(),
  );
  const reason = `leads to ${repo}/.git/worktrees/tree, where no repository is: git inside lacks it`;
  expect(facts).toMatchObject({ mode: "directory", skipped: [{ path: ".git", reason }] });
  expect((await seeded(join(tree, "web"))).paths).toEqual([".gitignore", "gone", "src", "src/main"]);
});

test(
  "a pipe in place of the rules above holds nothing up: what they could tell is left out",
  { timeout: 600_000 },
  async () => {
    rmSync(join(repo, ".gitignore"));
    execFileSync("mkfifo", [join(repo, ".gitignore")]);
    const { paths, facts } = await seeded(join(repo, "web"));
    expect(paths).toEqual([".gitignore", "src", "src/main"]);
    expect(facts.skipped.map(({ path }) => path)).toContain(`${repo}/.gitignore`);
    expect(existsSync(join(repo, ".gitignore"))).toBe(true);
  },
);
