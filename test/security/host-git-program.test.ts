// Proves that no program of a checkout, of the project or of a folder that others can write is run as the host's git, or by it.

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import type { GitWish } from "../../src/base/git-wish.js";
import { openGitFinder } from "../../src/tree/git/host-git.js";
import { openSeeds } from "../../src/tree/seed/seeds.js";
import { canary, git, home, makeRepository, ran, task, user, write } from "./git-host.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const real = execFileSync("sh", ["-c", "command -v git"], { env: { PATH: "/usr/local/bin:/usr/bin:/bin" } })
  .toString()
  .trim();

/** A git that says it has this version, leaves a trace each time, and else is the host's. */
function fakeGit(folder: string, version: string, name = "git"): string {
  const path = join(folder, name);
  const say = `case "$1" in --version) ${canary(`version-${version}`)} echo "git version ${version}"; exit;; esac`;
  write(folder, { [name]: `#!/bin/sh\n${canary(`git-${version}`)}\n${say}\nexec ${real} "$@"\n` });
  chmodSync(path, 0o755);
  chmodSync(folder, 0o755);
  return path;
}

/** Programs that a package could bring, each of which leaves a trace. */
function armedBin(project: string): string {
  const bin = join(project, "node_modules/.bin");
  for (const name of ["git", "ssh", "git-lfs", "git-upload-pack"]) {
    write(bin, { [name]: `#!/bin/sh\n${canary(`evil-${name}`)}\nexit 1\n` });
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

const { signal } = task;

test("programs in a project's node_modules/.bin are not run, however PATH names them, and those of the user's own folders are", async () => {
  const project = makeRepository(join(user, "work/project"));
  const plain = join(user, "plain");
  write(plain, { file: "x" });
  const bins = [armedBin(project), armedBin(plain)];
  const [armed = ""] = bins;
  symlinkSync(armed, join(user, "link"));
  mkdirSync(join(user, "mixed"), { recursive: true });
  for (const name of ["git", "git-lfs"]) symlinkSync(join(armed, name), join(user, "mixed", name));
  const own = join(user, "bin");
  write(own, { ssh: `#!/bin/sh\n${canary("own-ssh")}\nfor last; do :; done; exec sh -c "$last"\n` });
  chmodSync(join(own, "ssh"), 0o755);
  write(user, {
    ".gitconfig": '[filter "lfs"]\n\tclean = git-lfs clean\n\tsmudge = git-lfs smudge\n\trequired = true\n',
  });
  write(project, { ".gitattributes": "root filter=lfs\n" });
  const names = [
    ...bins,
    join(user, "link"),
    `${armed}/`,
    `${armed}/../.bin`,
    "node_modules/.bin",
    ".",
    "",
    join(user, "mixed"),
    own,
  ];
  const path = [...names, process.env["PATH"] ?? ""].join(delimiter);
  const origin = join(home, "origin.git");
  git(home, "clone", "-q", "--bare", project, origin);
  vi.stubEnv("PATH", path);
  const seeds = openSeeds({ seeds: join(home, "more-seeds"), repositories: join(home, "repositories") });
  const before = process.cwd();
  process.chdir(project);
  try {
    const ofPlain = new Set([bins[1]]);
    const known = {
      path: path
        .split(delimiter)
        .filter((each) => !ofPlain.has(each))
        .join(delimiter),
    };
    for (const seed_path of [project, join(project, "a"), plain]) {
      // A caller who may use all that the user may, and one who may use two folders.
      for (const given of [
        { hostGit: known, allowedRoots: undefined },
        { hostGit: { path }, allowedRoots: [project, plain] },
      ]) {
        await seeds.prepare({ sshAgent: undefined, ...given, seed_path }, task);
        const tree = await seeds.openTree({ ...given, path: seed_path, origin: plain }, task);
        await text(Readable.from(tree.archive));
      }
    }
    await seeds.prepare(
      { sshAgent: undefined, hostGit: { path }, repo_url: `ssh://git@host${origin}`, allowedRoots: [plain] },
      task,
    );
  } finally {
    process.chdir(before);
  }
  expect(ran()).toEqual(["own-ssh"]);
});

interface Place {
  readonly path: string;
  /** Folders of the project and of the call. */
  readonly away?: readonly string[];
}

const places: Readonly<Record<string, () => Place>> = {
  "in a checkout": () => ({ path: fakeGit(join(makeRepository(join(user, "checkout")), "bin"), "99.0") }),
  "in a linked worktree": () => {
    write(join(user, "tree"), { ".git": "gitdir: /nowhere\n" });
    return { path: fakeGit(join(user, "tree/bin"), "99.0") };
  },
  "in the project": () => ({ path: fakeGit(join(user, "project/bin"), "99.0"), away: [join(user, "project")] }),
  "in a project by a link": () => {
    const path = fakeGit(join(user, "project/bin"), "99.0");
    symlinkSync(join(user, "project"), join(user, "named"));
    return { path, away: [join(user, "named")] };
  },
  "that is a link into a checkout": () => {
    const path = fakeGit(join(makeRepository(join(user, "checkout")), "bin"), "99.0");
    mkdirSync(join(user, "bin"));
    symlinkSync(path, join(user, "bin/git"));
    return { path: join(user, "bin/git") };
  },
  "that others can write": () => {
    const path = fakeGit(join(user, "bin"), "99.0");
    chmodSync(path, 0o757);
    return { path };
  },
  "that a group can write": () => {
    const path = fakeGit(join(user, "bin"), "99.0");
    chmodSync(path, 0o775);
    return { path };
  },
  "in a folder that others can write": () => {
    const path = fakeGit(join(user, "bin"), "99.0");
    chmodSync(join(user, "bin"), 0o777);
    return { path };
  },
  "in a folder of one that others can write": () => {
    const path = fakeGit(join(user, "open/bin"), "99.0");
    chmodSync(join(user, "open"), 0o777);
    return { path };
  },
  ...(process.getuid?.() === 0
    ? {
        "of another user": () => {
          const path = fakeGit(join(user, "bin"), "99.0");
          chownSync(path, 4321, 4321);
          return { path };
        },
        "in another user's folder": () => {
          const path = fakeGit(join(user, "bin"), "99.0");
          chownSync(join(user, "bin"), 4321, 4321);
          return { path };
        },
      }
    : {}),
  "that is older": () => ({ path: fakeGit(join(user, "bin"), "1.2") }),
  "that says no version": () => ({ path: fakeGit(join(user, "bin"), "none") }),
};

test.for(Object.keys(places))("a newer git of PATH is not taken: one %s", async (name) => {
  const { path, away = [] } = places[name]?.() ?? { path: "" };
  const wish = { path: [dirname(path), "/usr/bin"].join(delimiter) };
  expect((await openGitFinder()({ wish, away, signal })).program).toBe(real);
  const isAsked = ["that is older", "that says no version"].includes(name);
  expect(ran().length > 0).toBe(isAsked);
});

test("the newest git of PATH is run, its version asked once while the file stays, and its folder is in the PATH of its children", async () => {
  const folders = ["9.10.1", "9.9.9", "9.10"].map((version) => join(user, `git-${version}`));
  for (const folder of folders) fakeGit(folder, folder.slice(folder.lastIndexOf("-") + 1));
  const [newest = ""] = folders;
  symlinkSync(join(user, "git-9.10.1"), join(user, "current"));
  const wish: GitWish = { path: [...folders.toReversed(), join(user, "current")].join(delimiter) };
  const find = openGitFinder();
  const asked = { wish, away: [], signal };
  const found = await find(asked);
  expect(found.program).toBe(join(newest, "git"));
  expect(found.path.split(delimiter).slice(0, 4)).toEqual([...folders.toReversed(), "/usr/local/sbin"]);
  const count = join(home, "asked");
  const changed = (version: string) => {
    const script = `#!/bin/sh\necho >>${count}\necho "git version ${version}"\n`;
    writeFileSync(join(newest, "git"), script, { mode: 0o755 });
  };
  changed("9.11.0");
  for (let round = 0; round < 3; round++) expect((await find(asked)).program).toBe(join(newest, "git"));
  expect(readFileSync(count, "utf8")).toBe("\n");
  changed("9.8.0 older");
  expect((await find(asked)).program).toBe(join(user, "git-9.10/git"));
});

test("PYRO_GIT is taken as it is named, and refused by name where content or others could choose it", async () => {
  const find = openGitFinder();
  const choose = async (program: string, away: readonly string[] = []) =>
    (await find({ wish: { path: "/usr/bin", program }, away, signal })).program;
  const old = fakeGit(join(user, "old"), "1.0", "my-git");
  expect(await choose(old)).toBe(old);
  const built = fakeGit(join(makeRepository(join(user, "git")), "bin-wrappers"), "9.9");
  expect(await choose(built)).toBe(built);
  expect(ran()).toEqual([]);
  const refused = async (program: string, why: string, away: readonly string[] = []) => {
    const message = expect.stringContaining(why) as string;
    await expect(choose(program, away)).rejects.toMatchObject({ code: "failed_precondition", message });
  };
  await refused("node_modules/.bin/git", "is no absolute path");
  await refused(built, "in a folder of the project", [join(user, "git")]);
  await refused(join(user, "none"), "does not exist");
  await refused(user, "is no program");
  chmodSync(old, 0o777);
  await refused(old, "can be written by others");
  // The empty one says nothing.
  expect(await choose("")).toBe(real);
});
