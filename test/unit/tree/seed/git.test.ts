// Proves that a checkout's seed is what git says belongs to it, that git works in it alone, and that no credential is in it.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeeds } from "../../../../src/tree/seed/seeds.js";
import { openSeedCache, type SeedCache } from "../../../../src/tree/seed/seed-cache.js";
import { git, treeOf, unpack } from "./tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let repo: string;
let cache: SeedCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-seed-git-"));
  repo = join(home, "repo");
  cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date() });
  makeRepository(repo);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function makeRepository(folder: string): void {
  mkdirSync(join(folder, "src"), { recursive: true });
  git(folder, "init", "-q", "-b", "main");
  writeFileSync(join(folder, ".gitignore"), "ignored/\n*.log\n");
  writeFileSync(join(folder, "tracked"), "one\n");
  writeFileSync(join(folder, "src/deleted"), "gone\n");
  writeFileSync(join(folder, "src/kept"), "kept\n");
  git(folder, "add", ".");
  git(folder, "commit", "-qm", "first");
}

/** The seed unpacked, as a folder of its own far from the repository. */
async function seeded(path: string, allowHostPaths: readonly string[] = []) {
  const seed = await cache.seedFromDirectory(path, { ...task, allowHostPaths });
  const folder = join(home, "elsewhere");
  rmSync(folder, { recursive: true, force: true });
  renameSync(unpack(seed.imagePath, home), folder);
  return { seed, folder };
}

/** Without the original repository: whatever still points there breaks. */
function alone<Result>(path: string, work: () => Result): Result {
  renameSync(path, `${path}-away`);
  try {
    return work();
  } finally {
    renameSync(`${path}-away`, path);
  }
}

test("tracked files as they are now and untracked ones enter; ignored and deleted ones do not; git works inside", async () => {
  writeFileSync(join(repo, "tracked"), "uncommitted\n");
  writeFileSync(join(repo, "staged"), "staged\n");
  git(repo, "add", "staged");
  rmSync(join(repo, "src/deleted"));
  mkdirSync(join(repo, "ignored"));
  writeFileSync(join(repo, "ignored/file"), "x");
  writeFileSync(join(repo, "noise.log"), "x");
  writeFileSync(join(repo, "new"), "new\n");
  const status = git(repo, "status", "--porcelain");
  const { seed, folder } = await seeded(repo);
  expect(seed).toMatchObject({
    mode: "git",
    branch: "main",
    commit: git(repo, "rev-parse", "HEAD").trim(),
    skipped: [],
  });
  const files = Object.keys(treeOf(folder)).filter((path) => !path.startsWith(".git/") && path !== ".git");
  expect(files.toSorted()).toEqual([".gitignore", "new", "src", "src/kept", "staged", "tracked"]);
  alone(repo, () => {
    expect(git(folder, "status", "--porcelain")).toBe(status);
    expect(git(folder, "fsck", "--strict")).toBe("");
    git(folder, "stash");
    git(folder, "stash", "pop");
  });
});

test("the working tree's seed equals the working tree, modes and times included", async () => {
  chmodSync(join(repo, "tracked"), 0o755);
  utimesSync(join(repo, "tracked"), 1, 1_000_000_000);
  const { folder } = await seeded(repo);
  const own = (root: string) =>
    Object.entries(treeOf(root)).filter(([path]) => !path.startsWith(".git/") && path !== ".git");
  expect(Object.fromEntries(own(folder))).toEqual(Object.fromEntries(own(repo)));
});

test("a tracked file below what became a symbolic link does not follow it", async () => {
  rmSync(join(repo, "src"), { recursive: true });
  mkdirSync(join(home, "secret"));
  writeFileSync(join(home, "secret/kept"), "outside\n");
  symlinkSync(join(home, "secret"), join(repo, "src"));
  const { folder } = await seeded(repo);
  expect(treeOf(folder)["src"]).toMatchObject({ kind: "symlink", content: join(home, "secret") });
});

test("a linked worktree becomes a checkout of its own", async () => {
  const tree = join(home, "tree");
  git(repo, "worktree", "add", "-q", "-b", "side", tree);
  writeFileSync(join(tree, "side"), "side\n");
  git(tree, "add", "side");
  git(tree, "commit", "-qm", "side");
  writeFileSync(join(tree, "tracked"), "in the worktree\n");
  const { seed, folder } = await seeded(tree);
  expect(seed).toMatchObject({ mode: "git", branch: "side", commit: git(tree, "rev-parse", "HEAD").trim() });
  alone(repo, () => {
    expect(git(folder, "status", "--porcelain", "--branch")).toBe("## side\n M tracked\n");
    expect(git(folder, "log", "--format=%s")).toBe("side\nfirst\n");
    expect(git(folder, "worktree", "list").trim().split("\n")).toHaveLength(1);
    expect(git(folder, "rev-parse", "--git-dir").trim()).toBe(".git");
    expect(git(folder, "fsck", "--strict")).toBe("");
  });
});

test("a worktree of a bare repository is no bare one", async () => {
  const bare = join(home, "bare.git");
  git(home, "clone", "-q", "--bare", repo, bare);
  git(bare, "worktree", "add", "-q", join(home, "tree"), "main");
  const { folder } = await seeded(join(home, "tree"));
  expect(alone(bare, () => git(folder, "status", "--porcelain"))).toBe("");
});

test("submodules work, in a checkout and in a worktree of it", async () => {
  const library = join(home, "library");
  makeRepository(library);
  git(repo, "submodule", "--quiet", "add", library, "deps/library");
  git(repo, "commit", "-qm", "with library");
  writeFileSync(join(repo, "deps/library/tracked"), "changed\n");
  writeFileSync(join(repo, "deps/library/noise.log"), "ignored\n");
  const plain = await seeded(repo);
  const check = (folder: string) => {
    expect(git(folder, "status", "--porcelain")).toBe(" M deps/library\n");
    expect(git(join(folder, "deps/library"), "status", "--porcelain")).toBe(" M tracked\n");
    expect(git(folder, "submodule", "status")).toMatch(/^ [0-9a-f]{40} deps\/library/u);
    expect(readFileSync(join(folder, "deps/library/.git"), "utf8")).toBe("gitdir: ../../.git/modules/deps/library\n");
    expect(existsSync(join(folder, "deps/library/noise.log"))).toBe(false);
  };
  alone(repo, () => check(plain.folder));
  const tree = join(home, "tree");
  git(repo, "worktree", "add", "-q", tree);
  git(tree, "submodule", "--quiet", "update", "--init");
  writeFileSync(join(tree, "deps/library/tracked"), "changed\n");
  const linked = await seeded(tree);
  alone(repo, () => alone(tree, () => check(linked.folder)));
  const inner = await seeded(join(repo, "deps/library"));
  expect(alone(repo, () => git(inner.folder, "status", "--porcelain"))).toBe(" M tracked\n");
});

test("a repository inside a checkout, and one in a plain folder, keep working", async () => {
  makeRepository(join(repo, "inner"));
  const outer = await seeded(repo);
  expect(git(join(outer.folder, "inner"), "status", "--porcelain")).toBe("");
  mkdirSync(join(home, "plain"));
  git(repo, "worktree", "add", "-q", "-b", "side", join(home, "plain/tree"));
  makeRepository(join(home, "plain/own"));
  writeFileSync(join(home, "plain/own/noise.log"), "x");
  const plain = await seeded(join(home, "plain"));
  expect(plain.seed.mode).toBe("directory");
  alone(repo, () => expect(git(join(plain.folder, "tree"), "log", "--format=%s")).toBe("first\n"));
  expect(existsSync(join(plain.folder, "own/noise.log"))).toBe(true);
});

test("what is pushed later holds no repository, at any depth", async () => {
  makeRepository(join(repo, "inner"));
  const library = join(home, "library");
  makeRepository(library);
  git(repo, "submodule", "--quiet", "add", library, "deps/library");
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories") });
  const { archive } = await seeds.openTree({ path: repo, allowedRoots: undefined }, task);
  const names = execFileSync("tar", ["t"], { input: await buffer(archive) });
  const each = (folder: string) =>
    [".gitignore", "src", "src/deleted", "src/kept", "tracked"].map((name) => `${folder}${name}`);
  expect(names.toString().trimEnd().split("\n").sort()).toStrictEqual(
    [...each(""), ".gitmodules", "deps", "deps/library", ...each("deps/library/"), "inner", ...each("inner/")].sort(),
  );
});

test("borrowed objects come along where the user allowed their lender", async () => {
  const borrower = join(home, "borrower");
  git(home, "clone", "-q", "--shared", repo, borrower);
  const { folder } = await seeded(borrower, [repo]);
  alone(repo, () => {
    expect(git(folder, "fsck", "--strict")).toBe("");
    expect(git(folder, "log", "--format=%s")).toBe("first\n");
  });
});

test("a folder below a checkout's root has no repository, and what the checkout ignores is not in it", async () => {
  writeFileSync(join(repo, "src/noise.log"), "x");
  const { seed, folder } = await seeded(join(repo, "src"));
  expect(seed).toMatchObject({ mode: "directory", commit: null, branch: null });
  expect(Object.keys(treeOf(folder)).toSorted()).toEqual(["deleted", "kept"]);
});

test("no credential leaves the host, wherever git keeps one", async () => {
  const secret = "SECRET";
  for (const [key, value] of [
    ["remote.origin.url", `https://user:${secret}@example.org/a.git`],
    ["remote.token.url", `https://${secret}@example.org/a.git`],
    ["remote.ssh.url", `ssh://git:${secret}@example.org/a.git`],
    ["remote.query.url", `https://example.org/a.git?private_token=${secret}`],
    ["http.https://example.org/.extraheader", `AUTHORIZATION: basic ${secret}`],
    [`url.https://x:${secret}@example.org/.insteadOf`, "https://example.org/"],
    ["credential.helper", `!echo password=${secret}`],
    ["credential.https://example.org.username", secret],
    ["http.proxy", `http://u:${secret}@proxy:3128`],
    ["sendemail.smtppass", secret],
    ["http.cookieFile", `/home/you/${secret}`],
  ] as const) {
    git(repo, "config", key, value);
  }
  git(repo, "config", "pyro.odd", 'quo"te \\ and\ttab');
  writeFileSync(join(repo, ".git/config"), `${readFileSync(join(repo, ".git/config"), "utf8")}\n# old: ${secret}\n`);
  writeFileSync(join(repo, ".git/config.orig"), secret);
  writeFileSync(join(repo, ".git/credentials"), secret);
  writeFileSync(join(repo, ".git/FETCH_HEAD"), `0000\t\tbranch 'x' of https://u:${secret}@example.org/a\n`);
  writeFileSync(join(repo, ".git/logs/HEAD"), `0 0 a <a@b> 1 +0000\tpull https://u:${secret}@example.org/a: done\n`);
  writeFileSync(join(repo, ".git/index.lock"), secret);
  mkdirSync(join(repo, ".git/modules/sub"), { recursive: true });
  git(join(repo, ".git/modules/sub"), "init", "-q", "--bare", ".");
  git(join(repo, ".git/modules/sub"), "config", "remote.origin.url", `https://u:${secret}@example.org/b`);
  git(repo, "config", "extensions.worktreeConfig", "true");
  git(repo, "config", "--worktree", "http.extraheader", secret);
  const { folder } = await seeded(repo);
  expect(() => execFileSync("grep", ["-rl", secret, folder])).toThrow(/status 1|Command failed/u);
  expect(git(folder, "config", "remote.origin.url").trim()).toBe("https://example.org/a.git");
  expect(git(folder, "config", "remote.ssh.url").trim()).toBe("ssh://git@example.org/a.git");
  expect(git(folder, "config", "pyro.odd")).toBe('quo"te \\ and\ttab\n');
  expect(existsSync(join(folder, ".git/index.lock"))).toBe(false);
});

test("a repository's configuration runs nothing on the host and does not choose another folder", async () => {
  const ran = join(home, "ran");
  for (const [key, value] of [
    ["core.fsmonitor", `touch ${ran}; false`],
    ["core.hooksPath", join(repo, "hooks")],
    ["filter.evil.clean", `touch ${ran}; cat`],
    ["filter.evil.process", `touch ${ran}`],
    ["core.sshCommand", `touch ${ran}`],
    ["core.pager", `touch ${ran}`],
    ["core.worktree", "/etc"],
    ["core.excludesFile", "/dev/null"],
  ] as const) {
    git(repo, "config", key, value);
  }
  writeFileSync(join(repo, ".git/info/attributes"), "* filter=evil\n");
  chownToNobody();
  const { folder } = await seeded(repo);
  expect(existsSync(ran)).toBe(false);
  expect(existsSync(join(folder, "passwd"))).toBe(false);
  expect(existsSync(join(folder, "src/kept"))).toBe(true);
});

/** Git refuses checkouts of other users: not us, for nothing of theirs is run. */
function chownToNobody(): void {
  if (process.getuid?.() === 0) execFileSync("chown", ["-R", "65534:65534", repo]);
}

test("a fresh repository without a commit, and a broken one, are no obstacle", async () => {
  const fresh = join(home, "fresh");
  mkdirSync(fresh);
  git(fresh, "init", "-q", "-b", "main");
  writeFileSync(join(fresh, "file"), "x");
  expect(await cache.seedFromDirectory(fresh, task)).toMatchObject({ mode: "git", commit: null, branch: "main" });
  rmSync(join(fresh, ".git/HEAD"));
  expect(await cache.seedFromDirectory(fresh, task)).toMatchObject({ mode: "directory", commit: null, branch: null });
});
