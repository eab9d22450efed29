// Proves that a seed's list is what git lists, without the user's or the repository's settings taking part in more than that.

import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import {
  cache,
  git,
  home,
  listedByGit,
  makeRepository,
  partialClone,
  seeded,
  task,
  user,
  withSubmodule,
  write,
} from "./git-host.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

/** Each makes a checkout in a way of its own and says where it is. */
const checkouts: Readonly<Record<string, () => string>> = {
  "info/exclude": () => {
    const folder = makeRepository(join(user, "work/repo"));
    write(folder, { ".git/info/exclude": "new\n", other: "x" });
    return folder;
  },
  "an excludesFile of the repository, in it": () => {
    const folder = makeRepository(join(user, "work/repo"));
    write(folder, { ".ignored-here": "new\n", other: "x" });
    git(folder, "config", "core.excludesFile", ".ignored-here");
    return folder;
  },
  "an excludesFile of the user's": () => {
    write(user, { mine: "new\n", ".gitconfig": "[core]\n\texcludesFile = ~/mine\n" });
    return makeRepository(join(user, "work/repo"));
  },
  "the user's usual file, a link": () => {
    write(user, { ".config/git/x": "", "dotfiles/ignore": "new\n" });
    symlinkSync("../../dotfiles/ignore", join(user, ".config/git/ignore"));
    return makeRepository(join(user, "work/repo"));
  },
  "an includeIf of the user's for where it lies": () => {
    includeForWork();
    return makeRepository(join(user, "work/repo"));
  },
  "an includeIf of the user's for elsewhere": () => {
    includeForWork();
    return makeRepository(join(user, "play/repo"));
  },
  "an includeIf of the user's for a branch and a remote": () => {
    const when = ['[includeIf "onbranch:main"]', "path = branch", '[includeIf "hasconfig:remote.*.url:file:///x"]'];
    write(user, { ".gitconfig": `${when.join("\n")}\npath = remote\n`, mine: "new\n" });
    write(user, { branch: "[core]\n\tignoreCase = true\n", remote: "[core]\n\texcludesFile = ~/mine\n" });
    const folder = makeRepository(join(user, "work/repo"));
    write(folder, { "NOISE.LOG": "x" });
    git(folder, "remote", "add", "origin", "file:///x");
    return folder;
  },
  "a linked worktree": () => {
    includeForWork();
    const main = makeRepository(join(user, "work/repo"));
    write(main, { ".git/info/exclude": "excluded\n" });
    git(main, "worktree", "add", "-q", "-b", "side", join(home, "tree"));
    write(join(home, "tree"), { excluded: "x", new: "x", "noise.log": "x", other: "x" });
    return join(home, "tree");
  },
  "a submodule by itself": () => join(withSubmodule(), "deps/library"),
  "a checkout with a submodule and an inner repository": () => {
    const folder = withSubmodule();
    makeRepository(join(folder, "inner"));
    return folder;
  },
  "a split index": () => {
    const folder = makeRepository(join(user, "work/repo"));
    git(folder, "config", "core.splitIndex", "true");
    git(folder, "update-index", "--split-index");
    write(folder, { "noise.log": "x", later: "x" });
    git(folder, "add", "--force", "later", "noise.log");
    expect(readdirSync(join(folder, ".git")).some((name) => name.startsWith("sharedindex."))).toBe(true);
    return folder;
  },
  "an index of version 4": () => {
    const folder = makeRepository(join(user, "work/repo"));
    git(folder, "update-index", "--index-version", "4");
    return folder;
  },
  "a sparse index": () => sparse("--cone", "--sparse-index"),
  "a sparse checkout with a full index": () => sparse("--cone", "--no-sparse-index"),
  "a sparse checkout by patterns": () => sparse("--no-cone"),
  "SHA-256": () => makeRepository(join(user, "work/repo"), "--object-format=sha256"),
  "a partial clone without some blobs": () => withoutWork(partialClone("rules")),
  "a partial clone without a folder of its sparse index": () => withoutWork(partialClone("folder")),
  "no index yet": () => {
    const folder = join(user, "work/repo");
    write(folder, { ".gitignore": "*.log\n", "noise.log": "x", new: "x" });
    git(folder, "init", "-q");
    return folder;
  },
  "names that differ in case": () => {
    const folder = makeRepository(join(user, "work/repo"));
    write(folder, { "NOISE.LOG": "x", "New.Log": "x" });
    git(folder, "config", "core.ignoreCase", "true");
    return folder;
  },
};

function includeForWork(): void {
  const settings = '[includeIf "gitdir:~/work/"]\n\tpath = for-work\n';
  write(user, { ".gitconfig": settings, "for-work": "[core]\n\texcludesFile = ~/mine\n", mine: "new\n" });
}

/** Leaves out `c`, but for what was put there since. */
function sparse(...how: readonly string[]): string {
  const folder = makeRepository(join(user, "work/repo"));
  rmSync(join(folder, "new"));
  git(folder, "sparse-checkout", "init", ...how);
  git(folder, "sparse-checkout", "set", how.includes("--no-cone") ? "/a/" : "a");
  write(folder, { "c/left": "x", "c/left.log": "x", "a/secret": "x" });
  return folder;
}

/** As it was cloned: nothing is in the folders that it leaves out. */
function withoutWork(folder: string): string {
  write(folder, { "noise.log": "x", new: "x" });
  return folder;
}

const isPartial = { path: ".git/objects", reason: expect.stringMatching(/^a partial clone: /u) as string };

test.each(Object.keys(checkouts))("the list is that of git ls-files: %s", async (name) => {
  const folder = checkouts[name]?.() ?? "";
  const { files, skipped } = await seeded(folder);
  const expected = listedByGit(folder);
  expect({ files, skipped }).toStrictEqual({ files: expected, skipped: name.includes("partial") ? [isPartial] : [] });
  expect(expected.length).toBeGreaterThan(0);
});

test("what rules that a partial clone lacks could ignore is left out and named", async () => {
  for (const lost of ["rules", "folder"] as const) {
    const folder = partialClone(lost);
    write(folder, { "a/secret": "x", "a/plain": "x", "c/plain": "x" });
    const { files, skipped } = await seeded(folder);
    expect(files).toStrictEqual([".gitignore", "c/plain", "kept.log", "root"]);
    const lacks = { path: "a", reason: expect.stringMatching(/partial clone lacks/u) as string };
    expect(skipped).toStrictEqual([lacks, isPartial]);
    rmSync(folder, { recursive: true });
    rmSync(join(home, "origin"), { recursive: true });
  }
});

test("rules that lie elsewhere are honoured only when the user allowed it, and named else", async () => {
  const folder = makeRepository(join(user, "work/repo"));
  write(home, { "elsewhere/rules": "new\n", "elsewhere/settings": "[core]\n\texcludesFile = /dev/null\n" });
  git(folder, "config", "core.excludesFile", join(home, "elsewhere/rules"));
  const refused = await seeded(folder);
  expect(refused.files).toContain("new");
  const reason = expect.stringContaining(`--allow-host-path ${join(home, "elsewhere/rules")}`) as string;
  expect(refused.skipped).toStrictEqual([{ path: ".git/config", reason }]);
  const allowed = await seeded(folder, [join(home, "elsewhere")]);
  expect([allowed.files.includes("new"), allowed.skipped]).toStrictEqual([false, []]);
  git(folder, "config", "include.path", join(home, "elsewhere/settings"));
  const included = expect.stringContaining("include of") as string;
  const { files, skipped } = await seeded(folder, [home]);
  expect([files.includes("new"), skipped]).toStrictEqual([false, [{ path: ".git/config", reason: included }]]);
});

test.each([
  ["extensions.refStorage", "reftable"],
  ["extensions.unheardOf", "unheardof"],
  ["core.repositoryFormatVersion", "2"],
])("a repository with %s is refused by name", async (key, value) => {
  const folder = makeRepository(join(user, "work/repo"));
  git(folder, "config", "core.repositoryFormatVersion", "1");
  git(folder, "config", key, value);
  const message = expect.stringContaining(value) as string;
  await expect(seeded(folder)).rejects.toMatchObject({ code: "unsupported", message });
});

test("HEAD is what git says it is", async () => {
  const folder = makeRepository(join(user, "work/repo"));
  const states: Readonly<Record<string, () => void>> = {
    branch: () => undefined,
    packed: () => git(folder, "pack-refs", "--all"),
    deep: () => git(folder, "checkout", "-q", "-b", "topic/x", "HEAD"),
    detached: () => git(folder, "checkout", "-q", "--detach"),
    unborn: () => git(folder, "symbolic-ref", "HEAD", "refs/heads/none"),
    symbolic: () => {
      git(folder, "symbolic-ref", "refs/heads/alias", "refs/heads/main");
      git(folder, "symbolic-ref", "HEAD", "refs/heads/alias");
    },
  };
  for (const [state, reach] of Object.entries(states)) {
    reach();
    const said = (...args: readonly string[]) => {
      try {
        return git(folder, ...args).trim();
      } catch {
        return null;
      }
    };
    const { commit, branch } = await cache.seedFromDirectory(folder, task);
    const expected = {
      commit: said("rev-parse", "--verify", "--quiet", "HEAD"),
      branch: said("symbolic-ref", "--no-recurse", "--short", "HEAD") ?? said("symbolic-ref", "--short", "HEAD"),
    };
    if (state === "symbolic") expected.branch = "alias";
    expect({ state, commit, branch }).toStrictEqual({ state, ...expected });
  }
});

test("pipes by the names of git's files hold nobody up", async () => {
  for (const name of ["HEAD", "config", "index", "commondir", "packed-refs", "objects/info/alternates"]) {
    const folder = makeRepository(join(home, "piped", name));
    rmSync(join(folder, ".git", name), { force: true });
    execFileSync("mkfifo", [join(folder, ".git", name)]);
    // What comes of it is not the same for each; that it ends is.
    await Promise.allSettled([seeded(folder)]);
  }
  const folder = makeRepository(join(home, "pointer"));
  rmSync(join(folder, ".git"), { recursive: true });
  execFileSync("mkfifo", [join(folder, ".git")]);
  const { mode, skipped } = await seeded(folder);
  expect([mode, skipped]).toStrictEqual(["directory", [{ path: ".git", reason: "a named pipe" }]]);
});
