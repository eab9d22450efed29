// Proves that content alone leads to no other repository of the host: not by alternates, gitdir, commondir or a link.

import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { git, home, makeRepository, seeded, victim, withSubmodule, write } from "./git-host.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

/** Names of object files in the seed. */
function objectsIn(inGit: readonly string[]): readonly string[] {
  return inGit.filter((path) => /\/objects\/([0-9a-f]{2}|pack)\//u.test(path));
}

test("objects of a lender come along only from inside the folder or with the user's word", async () => {
  const lender = victim();
  const objects = join(lender, ".git/objects");
  const borrower = join(home, "borrower");
  git(home, "clone", "-q", "--shared", lender, borrower);
  const places: Readonly<Record<string, string>> = { checkout: borrower, plain: join(home, "plain") };
  // Any folder with such a file counts as a repository's.
  write(join(home, "plain"), { "x/objects/info/alternates": `${objects}\n` });
  for (const [kind, folder] of Object.entries(places)) {
    const refused = await seeded(folder);
    expect([kind, objectsIn(refused.inGit), refused.files.filter((path) => path.includes("objects/"))]).toStrictEqual([
      kind,
      [],
      kind === "plain" ? ["x/objects/info/alternates"] : [],
    ]);
    const path = kind === "plain" ? "x/objects/info/alternates" : ".git/objects/info/alternates";
    const reason = `borrows from ${objects}, which is left out (--allow-host-path ${objects} admits it): git inside lacks objects`;
    expect(refused.skipped).toStrictEqual([{ path, reason }]);
    const allowed = await seeded(folder, [lender]);
    expect(allowed.skipped).toStrictEqual([]);
    expect([...allowed.inGit, ...allowed.files].some((each) => /objects\/[0-9a-f]{2}\//u.test(each))).toBe(true);
  }
  // A lender that lends from another one in its turn.
  const chain = join(home, "chain");
  write(chain, { "x/objects/info/alternates": "../../lender\n", "lender/info/alternates": objects });
  write(chain, { "lender/ab/object": "x" });
  const chained = await seeded(chain);
  expect(chained.files).toContain("x/objects/ab/object");
  expect(chained.skipped).toStrictEqual([
    { path: "x/objects/info/alternates", reason: expect.stringContaining(`borrows from ${objects}`) as string },
  ]);
});

test("a .git that leads elsewhere is taken only where the other side names the checkout back", async () => {
  const other = victim();
  git(other, "worktree", "add", "-q", "-b", "side", join(home, "tree"));
  // As the user made it.
  expect(await seeded(join(home, "tree"))).toMatchObject({ mode: "git", branch: "side", skipped: [] });
  const fakes: Readonly<Record<string, (folder: string) => void>> = {
    "gitdir to a repository": (folder) => write(folder, { ".git": `gitdir: ${join(other, ".git")}\n` }),
    "gitdir to another's worktree": (folder) =>
      write(folder, { ".git": `gitdir: ${join(other, ".git/worktrees/tree")}` }),
    "commondir to a repository": (folder) =>
      write(folder, { ".git/HEAD": "ref: refs/heads/main\n", ".git/commondir": join(other, ".git") }),
    "a worktree of its own making": (folder) => {
      write(folder, { ".git": "gitdir: own/worktrees/x\n", "own/worktrees/x/HEAD": "ref: refs/heads/main\n" });
      write(folder, {
        "own/worktrees/x/commondir": join(other, ".git"),
        "own/worktrees/x/gitdir": join(folder, ".git"),
      });
    },
    "a link": (folder) => symlinkSync(join(other, ".git"), join(folder, ".git")),
  };
  for (const [kind, fake] of Object.entries(fakes)) {
    const folder = join(home, "fakes", kind);
    write(folder, { ".gitignore": "*.log\n", file: "x", "noise.log": "x" });
    fake(folder);
    const { mode, commit, files, inGit, skipped } = await seeded(folder);
    const own = files.filter((path) => !path.startsWith("own/"));
    const reason = expect.stringContaining("does not name this checkout back; --allow-host-path ") as string;
    // Its ignore rules hold all the same.
    const expected = { mode: "directory", commit: null, own: [".gitignore", "file"], inGit: [] };
    expect({ kind, mode, commit, own, inGit, skipped }).toStrictEqual({
      kind,
      ...expected,
      skipped: [{ path: ".git", reason }],
    });
    expect(await seeded(folder, [other])).toMatchObject({ mode: "git", commit: expect.any(String) as string });
    // The same below a checkout, and below a plain folder.
    for (const outer of [makeRepository(join(home, "outer", kind)), join(home, "plain", kind)]) {
      const inner = join(outer, "inner");
      write(inner, { ".gitignore": "*.log\n", file: "x" });
      fake(inner);
      const around = await seeded(outer);
      const below = around.inGit.filter(
        (path) => path.startsWith("inner/.git/objects") || /worktrees|refs/u.test(path),
      );
      expect([kind, below.filter((path) => path.startsWith("inner/"))]).toStrictEqual([kind, []]);
    }
  }
});

test("a submodule's repository is the checkout's own or none", async () => {
  const other = victim();
  const folder = withSubmodule();
  expect((await seeded(folder)).inGit).toContain("deps/library/.git");
  writeFileSync(join(folder, "deps/library/.git"), `gitdir: ${join(other, ".git")}\n`);
  const { inGit, files, skipped } = await seeded(folder);
  expect(inGit.filter((path) => path.startsWith("deps/"))).toStrictEqual([]);
  expect(files).toContain("deps/library/root");
  expect(skipped).toStrictEqual([
    { path: "deps/library/.git", reason: expect.stringContaining(`leads to ${join(other, ".git")}`) as string },
  ]);
});
