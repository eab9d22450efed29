// Proves that what a user includes of a source goes into its seed, that nothing else does, and that each name that cannot is refused.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeeds, type Seeds } from "../../../../src/tree/seed/seeds.js";
import type { SeedChoice } from "../../../../src/tree/seed/request.js";
import { git, treeOf, unpack } from "./tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let repo: string;
let seeds: Seeds;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-seed-include-"));
  repo = join(home, "repo");
  seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "clones") });
  for (const folder of ["src", "web/node_modules/b", "node_modules/a", "data"]) {
    mkdirSync(join(repo, folder), { recursive: true });
  }
  const write = (path: string, text: string) => writeFileSync(join(repo, path), text);
  git(repo, "init", "-q", "-b", "main");
  write(".gitignore", "node_modules\ndata\n.env\n");
  write("src/main", "main\n");
  git(repo, "add", ".");
  git(repo, "commit", "-qm", "first");
  write("node_modules/a/index.js", "a\n");
  symlinkSync("a/index.js", join(repo, "node_modules/link"));
  write("web/node_modules/b/index.js", "b\n");
  write("data/set", "set\n");
  write("data/other", "other\n");
  write(".env", "SECRET=1\n");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function prepare(choice: SeedChoice, allowedRoots?: readonly string[]) {
  return seeds.prepare({ ...choice, sshAgent: undefined, allowedRoots }, task);
}

async function pathsOf(choice: SeedChoice) {
  const seed = await prepare(choice);
  const folder = join(home, "elsewhere");
  rmSync(folder, { recursive: true, force: true });
  renameSync(unpack(seed.imagePath, home), folder);
  const paths = Object.keys(treeOf(folder)).filter((path) => !/^\.git(\/|$)/u.test(path));
  return { seed, folder, paths: paths.toSorted() };
}

const own = [".gitignore", "src", "src/main"];

test("ignored folders and files go in by name, whole and with the folders above them; the rest stays out, and git sees no change", async () => {
  const include = ["node_modules/", "./web/node_modules", "data/set"];
  const { seed, folder, paths } = await pathsOf({ seed_path: repo, include });
  expect(paths).toEqual(
    [
      ...own,
      ...["data", "data/set", "node_modules", "node_modules/a", "node_modules/a/index.js", "node_modules/link"],
      ...["web", "web/node_modules", "web/node_modules/b", "web/node_modules/b/index.js"],
    ].toSorted(),
  );
  expect(seed.facts).toMatchObject({ mode: "git", origin_ref: repo, skipped: [] });
  expect(readFileSync(join(folder, "node_modules/link"), "utf8")).toBe("a\n");
  expect(git(folder, "status", "--porcelain")).toBe("");
});

test("without any the seed is what it was; another choice is another seed, the same one comes from the cache", async () => {
  expect((await pathsOf({ seed_path: repo })).paths).toEqual(own);
  const plain = await prepare({ seed_path: repo });
  const first = await prepare({ seed_path: repo, include: ["node_modules"] });
  const second = await prepare({ project_path: repo, include: ["node_modules"] }, [repo]);
  expect(second.facts.digest).toBe(first.facts.digest);
  expect(plain.facts.digest).not.toBe(first.facts.digest);
  writeFileSync(join(repo, "node_modules/a/index.js"), "a, changed\n");
  const third = await prepare({ seed_path: repo, include: ["node_modules"] });
  expect(third.facts.digest).not.toBe(first.facts.digest);
});

test("what is tracked or included twice, or lies in a folder that is no checkout, is there once", async () => {
  const include = ["src", "src/main", "data", "data/set"];
  const { paths } = await pathsOf({ seed_path: repo, include });
  expect(paths).toEqual([...own, "data", "data/other", "data/set"].toSorted());
  rmSync(join(repo, ".git"), { recursive: true });
  const whole = await pathsOf({ seed_path: repo });
  expect(await pathsOf({ seed_path: repo, include: ["data"] })).toMatchObject({ paths: whole.paths });
});

test("a repository in what is included comes along as in any folder: without tokens", async () => {
  const nested = join(repo, "data/nested");
  mkdirSync(nested);
  git(nested, "init", "-q");
  git(nested, "config", "remote.origin.url", "https://user:token@host/path");
  const { folder } = await pathsOf({ seed_path: repo, include: ["data"] });
  expect(existsSync(join(folder, "data/nested/.git/HEAD"))).toBe(true);
  expect(git(join(folder, "data/nested"), "config", "remote.origin.url")).toBe("https://host/path\n");
});

test("each name that cannot be included is refused by field, and says why", async () => {
  mkdirSync(join(home, "outside"));
  writeFileSync(join(home, "outside/secret"), "x");
  symlinkSync(join(home, "outside"), join(repo, "out"));
  symlinkSync("../outside", join(repo, "data/up"));
  symlinkSync("set", join(repo, "data/within"));
  execFileSync("mkfifo", [join(repo, "data/pipe")]);
  git(repo, "init", "-q", "--bare", join(repo, "data/bare"));
  const cases: readonly (readonly [string, string, string])[] = [
    ["no-such", "invalid_argument", `include: no-such does not exist in ${repo}.`],
    ["src/main/x", "invalid_argument", "include: src/main/x leads through src/main, which is no folder."],
    ["out/secret", "invalid_argument", "leads through out, which is a symbolic link, which is not followed."],
    ["out", "invalid_argument", `include: out is a symbolic link to ${home}/outside, outside the source.`],
    ["data/up/../..", "invalid_argument", 'leads out of its root by "..".'],
    ["../outside", "invalid_argument", 'leads out of its root by "..".'],
    [join(repo, "data"), "invalid_argument", "is absolute."],
    [".", "invalid_argument", "is the source itself."],
    ["data/pipe", "invalid_argument", "include: data/pipe is no file or folder but a named pipe."],
    [".git", "permission_denied", "include: .git is a repository's own folder to Git"],
    ["src/.GIT/hooks", "permission_denied", "is a repository's own folder to Git"],
    ["data/bare/hooks", "permission_denied", "include: data/bare is a repository's own folder to Git"],
  ];
  for (const [path, code, message] of cases) {
    const refused = prepare({ seed_path: repo, include: [path] });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  }
  expect((await pathsOf({ seed_path: repo, include: ["data/within", "data/set"] })).paths).toContain("data/within");
});

test("an archive, a clone and an empty workspace leave nothing out that could be included", async () => {
  const archive = join(home, "seed.tar");
  execFileSync("tar", ["--create", "--file", archive, "--directory", repo, "src"]);
  const sources: readonly SeedChoice[] = [{ seed_path: archive }, { repo_url: `file://${repo}` }, {}];
  for (const source of sources) {
    const message = expect.stringContaining("include needs a folder to start from") as string;
    await expect(prepare({ ...source, include: ["data"] })).rejects.toMatchObject({
      code: "invalid_argument",
      message,
    });
  }
});
