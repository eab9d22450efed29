// Proves that git in a checkout's copy reads it as git on the host does, and works where programs and objects are missing.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeedCache, type SeedCache } from "../../../../src/tree/seed/seed-cache.js";
import { git, unpack } from "./tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let repo: string;
let cache: SeedCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-seed-settings-"));
  repo = join(home, "repo");
  cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date() });
  makeRepository(repo);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

function makeRepository(folder: string): void {
  mkdirSync(join(folder, "src"), { recursive: true });
  git(folder, "init", "-q", "-b", "main");
  writeFileSync(join(folder, "tracked"), "one\n");
  writeFileSync(join(folder, "src/kept"), "kept\n");
  git(folder, "add", ".");
  git(folder, "commit", "-qm", "first");
}

/** The seed unpacked, as a folder of its own far from the repository. */
async function seeded(path: string) {
  const seed = await cache.seedFromDirectory(path, task);
  const folder = join(home, "elsewhere");
  rmSync(folder, { recursive: true, force: true });
  renameSync(unpack(seed.imagePath, home), folder);
  return { seed, folder };
}

/** Of the host's user, whose home has `files`; what it does with git, there and in a copy. */
function withUser(files: Readonly<Record<string, string>>) {
  const user = join(home, "user");
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(user, name, ".."), { recursive: true });
    writeFileSync(join(user, name), content);
  }
  vi.stubEnv("HOME", user);
  vi.stubEnv("XDG_CONFIG_HOME", undefined);
  const gitAs = (folder: string, HOME: string, args: readonly string[]) => {
    const env = { PATH: process.env["PATH"], HOME, GIT_CONFIG_SYSTEM: "/dev/null" };
    return execFileSync("git", [...args], { cwd: folder, env, stdio: "pipe" }).toString();
  };
  return {
    onHost: (folder: string, ...args: readonly string[]) => gitAs(folder, user, args),
    inside: (folder: string, ...args: readonly string[]) => gitAs(folder, "/nonexistent", args),
  };
}

test("of the user's settings what decides how a checkout reads holds in its copy, and nothing else: status is the same", async () => {
  const { onHost, inside } = withUser({
    rules: "mine-*\n!mine-too",
    ".gitconfig":
      "[core]\n\tautocrlf = true\n\tfileMode = false\n\texcludesFile = ~/rules\n[http]\n\textraHeader = S3CRET\n" +
      "[alias]\n\tx = !touch\n",
  });
  rmSync(join(repo, ".git/info"), { recursive: true, force: true });
  for (const name of ["mine-1", "mine-too"]) writeFileSync(join(repo, name), "x");
  writeFileSync(join(repo, "tracked"), "one\r\n");
  git(repo, "config", "--unset", "core.fileMode");
  onHost(repo, "add", "tracked");
  const { folder } = await seeded(repo);
  expect(existsSync(join(folder, "mine-1"))).toBe(false);
  writeFileSync(join(folder, "mine-2"), "x");
  chmodSync(join(folder, "src/kept"), 0o755);
  expect(onHost(repo, "status", "--porcelain")).toBe("?? mine-too\n");
  expect(inside(folder, "status", "--porcelain")).toBe("?? mine-too\n");
  const local = inside(folder, "config", "--local", "--list").split("\n");
  expect(local).toContain("core.autocrlf=true");
  expect(local.filter((line) => /^(user|alias|http)\.|S3CRET/u.test(line))).toEqual([]);
});

test("the repository's own settings and rules count more than the user's, in the copy as on the host", async () => {
  const { onHost, inside } = withUser({
    ".config/git/ignore": "mine-*\n",
    ".config/git/attributes": "*.txt eol=crlf kind=user\n*.bin kind=user\n[attr]odd kind=odd\n*.odd odd\n",
    ".gitconfig": "[core]\n\tautocrlf = true\n\teol = crlf\n",
  });
  git(repo, "config", "core.autocrlf", "false");
  mkdirSync(join(repo, ".git/info"), { recursive: true });
  writeFileSync(join(repo, ".git/info/exclude"), "!mine-2\n");
  writeFileSync(join(repo, ".git/info/attributes"), "*.bin kind=info\n");
  writeFileSync(join(repo, ".gitattributes"), "*.txt kind=tree\n");
  const { folder } = await seeded(repo);
  for (const each of [repo, folder]) for (const name of ["mine-2", "mine-3"]) writeFileSync(join(each, name), "x");
  const asked = [
    ["status", "--porcelain"],
    ["config", "core.autocrlf"],
    ["config", "core.eol"],
    ["check-attr", "eol", "kind", "--", "a.txt", "a.bin", "a.odd"],
  ];
  const said = asked.map((words) => onHost(repo, ...words));
  expect(said[0]).toBe("?? .gitattributes\n?? mine-2\n");
  expect(said[1]).toBe("false\n");
  expect(said[3]).toContain("a.txt: kind: tree\na.bin: eol: unspecified\na.bin: kind: info\n");
  expect(asked.map((words) => inside(folder, ...words))).toEqual(said);
  expect(inside(join(folder, "src"), ...(asked[3] ?? []))).toBe(onHost(join(repo, "src"), ...(asked[3] ?? [])));
});

test("a submodule's copy reads as on the host too, and a changed rule of the user's makes another seed", async () => {
  const { onHost, inside } = withUser({
    ".gitconfig": "[core]\n\tautocrlf = true\n",
    ".config/git/ignore": "mine\n",
    ".config/git/attributes": "*.x kind=user\n",
  });
  const library = join(home, "library");
  makeRepository(library);
  git(repo, "submodule", "--quiet", "add", library, "deps/library");
  git(repo, "commit", "-qm", "submodule");
  const module = join(repo, "deps/library");
  writeFileSync(join(module, "tracked"), "one\r\n");
  writeFileSync(join(module, "mine"), "x");
  onHost(module, "add", "tracked");
  const first = await seeded(repo);
  const inner = join(first.folder, "deps/library");
  writeFileSync(join(inner, "mine"), "x");
  expect(onHost(repo, "status", "--porcelain")).toBe("");
  expect(inside(first.folder, "status", "--porcelain")).toBe("");
  expect(inside(inner, "check-attr", "kind", "a.x")).toBe("a.x: kind: user\n");
  writeFileSync(join(home, "user/.config/git/ignore"), "other\n");
  const second = await seeded(repo);
  expect(second.seed).toMatchObject({ cached: false });
  expect(readFileSync(join(second.folder, ".git/modules/deps/library/info/exclude"), "utf8")).toContain("other\n");
  expect((await seeded(repo)).seed).toMatchObject({ cached: true });
});

/** A repository's own settings for a filter. */
function setFilter(folder: string, name: string, values: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(values)) git(folder, "config", `filter.${name}.${key}`, value);
}

const absent = "pyro-test-no-such-program";

test("a filter whose program is not there holds up nothing inside, required or not; one that is there works", async () => {
  const lacking = `${absent} work %f`;
  setFilter(repo, "lacking", { clean: lacking, smudge: `"${absent}" back`, required: "true" });
  setFilter(repo, "long", { process: `${absent} process`, clean: lacking, smudge: lacking, required: "true" });
  setFilter(repo, "odd", { process: `X=1 ${absent} process`, clean: `X=1 ${absent}`, smudge: "", required: "true" });
  setFilter(repo, "upper", { clean: "tr a-z A-Z # as ever", smudge: "'tr' A-Z a-z", required: "true" });
  writeFileSync(
    join(repo, ".git/info/attributes"),
    "*.l filter=lacking\n*.p filter=long\n*.o filter=odd\n*.u filter=upper\n",
  );
  const { folder, seed } = await seeded(repo);
  const names = ["a.l", "a.p", "a.o", "a.u"];
  for (const name of names) writeFileSync(join(folder, name), "some words\n");
  const added = run(folder, "add", ...names);
  const status = run(folder, "status", "--porcelain");
  for (const name of names) rmSync(join(folder, name));
  const back = run(folder, "checkout", "--", ".");
  expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(names.map(() => "some words\n"));
  expect(names.map((name) => git(folder, "cat-file", "blob", `:${name}`))).toEqual([
    ...["some words\n", "some words\n", "some words\n", "SOME WORDS\n"],
  ]);
  const said = { added: added.status, status, back: back.status };
  const staged = "A  a.l\nA  a.o\nA  a.p\nA  a.u\n";
  expect(said).toMatchObject({ added: 0, status: { stdout: staged, status: 0 }, back: 0 });
  // Only of one whose program cannot be told is something said.
  expect(said.status.stderr.replace(/^.*\bX=1 .*\n/gmu, "")).toBe("");
  expect(seed.skipped).toEqual([
    {
      path: ".git/config",
      reason: expect.stringMatching(/^of its filters lacking, long, odd, upper none is required/u) as string,
    },
  ]);
});

function run(folder: string, ...args: readonly string[]) {
  const env = { PATH: process.env["PATH"], HOME: "/nonexistent", GIT_CONFIG_SYSTEM: "/dev/null" };
  const { stdout, stderr, status } = spawnSync("git", args, { cwd: folder, env, encoding: "utf8" });
  return { stdout, stderr, status };
}

test("hooks below the checkout or in its repository go along, those of elsewhere are named, and none of both leads out", async () => {
  const hooks = join(repo, "tools/hooks");
  mkdirSync(hooks, { recursive: true });
  const user = withUser({});
  const inside = async (folder: string, value: string) => {
    git(repo, "config", "core.hooksPath", value);
    const { seed, folder: copy } = await seeded(folder);
    const kept = run(copy, "config", "core.hooksPath").stdout.trimEnd();
    return seed.skipped.length === 0 ? kept : { kept, said: seed.skipped };
  };
  for (const name of ["src", ".git/hooks"]) symlinkSync(join(repo, name), join(home, `to-${basename(name)}`));
  const out = (value: string) => ({
    kept: "",
    said: [
      { path: ".git/config", reason: expect.stringContaining(`core.hooksPath ${value} leads out of it`) as string },
    ],
  });
  expect(await inside(repo, hooks)).toBe("tools/hooks");
  expect(await inside(repo, "tools/hooks")).toBe("tools/hooks");
  expect(await inside(repo, join(home, "to-src"))).toBe("src");
  expect(await inside(repo, join(repo, ".git/hooks"))).toBe(".git/hooks");
  expect(await inside(repo, `~/../repo/tools/hooks`)).toBe("tools/hooks");
  expect(await inside(repo, repo)).toBe(".");
  expect(await inside(repo, "/dev/null")).toBe("/dev/null");
  expect(await inside(repo, join(home, "hooks"))).toEqual(out(join(home, "hooks")));
  expect(await inside(repo, "../hooks")).toEqual(out("../hooks"));
  expect(await inside(repo, "~/hooks")).toEqual(out("~/hooks"));
  expect(await inside(repo, "~root/hooks")).toEqual(out("~root/hooks"));
  expect(user.onHost(repo, "config", "core.hooksPath")).toBe("~root/hooks\n");
  const tree = join(home, "tree");
  git(repo, "config", "--unset", "core.hooksPath");
  git(repo, "worktree", "add", "-q", "-b", "side", tree);
  expect(await inside(tree, join(tree, "tools"))).toBe("tools");
  expect(await inside(tree, join(repo, ".git/hooks"))).toBe(".git/hooks");
});

test("a submodule's hooks below the checkout are found from its own files", async () => {
  const library = join(home, "library");
  makeRepository(library);
  git(repo, "submodule", "--quiet", "add", library, "deps/library");
  const module = join(repo, "deps/library");
  git(module, "config", "core.hooksPath", join(repo, "tools/hooks"));
  const { folder, seed } = await seeded(repo);
  expect(run(join(folder, "deps/library"), "config", "core.hooksPath").stdout).toBe("../../tools/hooks\n");
  expect(seed.skipped).toEqual([]);
});

test("Git LFS pointers of a checkout, of a folder and of an archive are counted and named; contents are not", async () => {
  const host = ["git-lfs", "github", "com"].join(".");
  const pointer = `version https://${host}/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12345\n`;
  for (const name of ["a.bin", "b.bin", "src/c.bin"]) writeFileSync(join(repo, name), pointer);
  writeFileSync(join(repo, "real.bin"), `not a pointer, but it says: ${pointer}`);
  writeFileSync(join(repo, "large.bin"), pointer + "x".repeat(2000));
  git(repo, "add", ".");
  const said = [
    {
      path: "a.bin",
      reason: expect.stringMatching(/^a Git LFS pointer, and 2 more: b\.bin, src\/c\.bin; /u) as string,
    },
  ];
  expect((await seeded(repo)).seed.skipped).toEqual(said);
  expect((await seeded(repo)).seed).toMatchObject({ cached: true, skipped: said });
  rmSync(join(repo, ".git"), { recursive: true });
  expect((await seeded(repo)).seed).toMatchObject({ mode: "directory", skipped: said });
  const archive = join(home, "seed.tar");
  execFileSync("tar", ["--create", "--sort=name", "--file", archive, "--directory", repo, "."]);
  expect((await cache.seedFromArchive(archive, task)).skipped).toEqual(said);
});

test("a repository with linked worktrees by relative paths works with a git that does not know them; a reftable is refused by name", async () => {
  git(repo, "config", "core.repositoryFormatVersion", "1");
  const format = (name: string, value: string) =>
    execFileSync("git", ["config", "--file", join(repo, ".git/config"), `extensions.${name}`, value]);
  format("relativeWorktrees", "true");
  const { folder } = await seeded(repo);
  expect(run(folder, "config", "--get-regexp", "^extensions")).toMatchObject({ stdout: "", status: 1 });
  expect(run(folder, "status", "--porcelain")).toEqual({ stdout: "", stderr: "", status: 0 });
  format("refStorage", "reftable");
  await expect(seeded(repo)).rejects.toMatchObject({
    code: "unsupported",
    message: `The repository ${repo}/.git keeps its refs in a reftable, which git inside cannot read.`,
  });
});

test("a partial clone is said to be one, and so is a submodule that is one", async () => {
  git(repo, "config", "uploadpack.allowFilter", "true");
  const clone = join(home, "clone");
  git(home, "clone", "-q", "--filter=blob:none", `file://${repo}`, clone);
  const reason = expect.stringMatching(/^a partial clone: git inside cannot fetch what it lacks/u) as string;
  const { seed, folder } = await seeded(clone);
  expect(seed.skipped).toEqual([{ path: ".git/objects", reason }]);
  expect(run(folder, "status", "--porcelain")).toEqual({ stdout: "", stderr: "", status: 0 });
});
