// Proves that the repositories of an archive are cleaned as those of a folder are, wherever they lie in it, and work afterwards.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeedCache, type SeedCache } from "../../../../src/tree/seed/seed-cache.js";
import { openSeeds } from "../../../../src/tree/seed/seeds.js";
import { git, unpack } from "./tree.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };
const secret = "S3CRET";

let home: string;
let source: string;
let cache: SeedCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-archive-git-"));
  source = join(home, "source");
  cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date() });
  mkdirSync(join(source, "logs"), { recursive: true });
  git(source, "init", "-q", "-b", "main");
  writeFileSync(join(source, "file"), "content\n");
  git(source, "add", ".");
  git(source, "commit", "-qm", "first");
  // Files of the user that only look like a repository's.
  writeFileSync(join(source, "config"), "https://u:mine@example.org\n");
  writeFileSync(join(source, "logs/app"), "https://u:mine@example.org\n");
  arm(join(source, ".git"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function arm(repository: string): void {
  const set = (key: string, value: string) => git(repository, "--git-dir=.", "config", key, value);
  set("remote.origin.url", `https://user:${secret}@example.org/a.git`);
  set("http.https://example.org/.extraheader", `AUTHORIZATION: basic ${secret}`);
  set("credential.helper", `!echo password=${secret}`);
  appendFileSync(join(repository, "config"), `# old: ${secret}\n`);
  for (const name of ["config.orig", "credentials", "index.lock"]) writeFileSync(join(repository, name), secret);
  writeFileSync(join(repository, "FETCH_HEAD"), `0000\t\tbranch 'x' of https://u:${secret}@example.org/a\n`);
  mkdirSync(join(repository, "logs"), { recursive: true });
  writeFileSync(join(repository, "logs/HEAD"), `0 0 a <a@b> 1 +0000\tpull https://u:${secret}@example.org/a: done\n`);
}

/** The archive unpacked from its seed; `words` are tar's, from the source folder. */
async function seeded(...words: readonly string[]): Promise<string> {
  const archive = join(home, "seed.tar");
  execFileSync("tar", ["--create", "--file", archive, "--directory", source, ...words]);
  const seed = await cache.seedFromArchive(archive, task);
  const folder = join(home, "elsewhere");
  rmSync(folder, { recursive: true, force: true });
  renameSync(unpack(seed.imagePath, home), folder);
  return folder;
}

function filesWithSecret(folder: string): string {
  return execFileSync("sh", ["-c", `grep -rl ${secret} "$1" || true`, "sh", folder]).toString();
}

test("no credential comes with an archive, of the checkout, a submodule's repository or a bare one, and git works inside", async () => {
  for (const place of [".git/modules/sub", "bare.git", "deep/down/other.git"]) {
    mkdirSync(join(source, place), { recursive: true });
    git(join(source, place), "init", "-q", "--bare", ".");
    arm(join(source, place));
  }
  git(join(source, ".git/modules/sub"), "--git-dir=.", "config", "core.worktree", "../../../sub");
  const folder = await seeded(".");
  expect(filesWithSecret(folder)).toBe("");
  expect(git(folder, "config", "remote.origin.url")).toBe("https://example.org/a.git\n");
  expect(git(join(folder, "bare.git"), "config", "--file", "config", "remote.origin.url")).toBe(
    "https://example.org/a.git\n",
  );
  expect(git(folder, "config", "--file", ".git/modules/sub/config", "core.worktree")).toBe("../../../sub\n");
  expect(git(folder, "status", "--porcelain", "file")).toBe("");
  expect(git(folder, "fsck", "--strict")).toBe("");
  for (const name of ["config", "logs/app"]) expect(readFileSync(join(folder, name), "utf8")).toContain("u:mine@");
});

test("the order of the entries makes no difference, nor folders without an entry, nor other names of the same file", async () => {
  const all = execFileSync("find", ["-mindepth", "1", "-not", "-type", "d", "-printf", "%P\\n"], { cwd: source });
  writeFileSync(join(home, "names"), all.toString().trim().split("\n").toSorted().toReversed().join("\n"));
  const reversed = await seeded("--files-from", join(home, "names"));
  expect(filesWithSecret(reversed)).toBe("");
  expect(git(reversed, "log", "--format=%s")).toBe("first\n");
  execFileSync("cp", ["--archive", "--link", join(source, ".git"), join(source, "copy.git")]);
  execFileSync("ln", [join(source, ".git/config"), join(source, "another")]);
  execFileSync("ln", [join(source, ".git/credentials"), join(source, "zz")]);
  const linked = await seeded(".git", "copy.git", "another", "zz");
  expect(filesWithSecret(linked)).toBe("");
  expect(existsSync(join(linked, "another"))).toBe(true);
});

test("settings that git cannot read, or too large to be cleaned, refuse the archive", async () => {
  writeFileSync(join(source, ".git/config"), "[core\n");
  await expect(seeded(".")).rejects.toMatchObject({ code: "failed_precondition" });
  writeFileSync(join(source, ".git/config"), `[core]\n# ${"x".repeat(5 * 1024 * 1024)}\n`);
  const message = expect.stringContaining("too large") as string;
  await expect(seeded(".")).rejects.toMatchObject({ code: "invalid_argument", message });
});

test("a pushed archive brings no .git along, as a pushed folder does not", async () => {
  const archive = join(home, "push.tar");
  mkdirSync(join(source, "sub"));
  git(join(source, "sub"), "init", "-q");
  writeFileSync(join(source, "sub/file"), "x");
  execFileSync("tar", ["--create", "--file", archive, "--directory", source, "."]);
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "clones") });
  const pushed = await seeds.openTree({ path: archive, allowedRoots: undefined }, task);
  writeFileSync(join(home, "out.tar"), await buffer(pushed.archive));
  const names = execFileSync("tar", ["--list", "--file", join(home, "out.tar")])
    .toString()
    .trim()
    .split("\n");
  expect(names.toSorted()).toEqual(["config", "file", "logs", "logs/app", "sub", "sub/file"]);
  expect(pushed.folder).toBeUndefined();
});

test("settings that come under another name first are cleaned, whichever name that is", async () => {
  rmSync(join(source, "config"));
  linkSync(join(source, ".git/config"), join(source, "config"));
  linkSync(join(source, ".git/logs/HEAD"), join(source, "also"));
  const unpacked = await seeded("config", "also", ".git");
  expect(filesWithSecret(unpacked)).toBe("");
  const [one, other] = ["config", ".git/config"].map((name) => statSync(join(unpacked, name)).ino);
  expect(one).toBe(other);
  expect(git(unpacked, "config", "core.bare")).toBe("false\n");
});

test("a file of a repository is cleaned once, however many names it has", async () => {
  const names = Array.from({ length: 3000 }, (_, index) => `names/${index}`);
  mkdirSync(join(source, "names"));
  for (const name of names) linkSync(join(source, ".git/config"), join(source, name));
  const unpacked = await seeded(".git", "names");
  expect(filesWithSecret(unpacked)).toBe("");
  expect(statSync(join(unpacked, ".git/config")).nlink).toBe(names.length + 1);
});

test("more repositories than anybody has are refused in words", async () => {
  for (let index = 0; index <= 1000; index += 1) {
    mkdirSync(join(source, `r/${index}/.git`), { recursive: true });
    writeFileSync(join(source, `r/${index}/.git/config`), "");
  }
  await expect(seeded("r")).rejects.toMatchObject({
    code: "invalid_argument",
    message: "The archive is refused: it has more than 1000 repositories, whose settings would have to be cleaned.",
  });
});

test("hooks of an archive's repository stay where they lie in it, others are named, and a missing filter holds up nothing", async () => {
  const set = (key: string, value: string) => git(source, "config", key, value);
  const seed = async (hooks: string) => {
    set("core.hooksPath", hooks);
    const archive = join(home, "seed.tar");
    execFileSync("tar", ["--create", "--file", archive, "--directory", home, "source"]);
    const { skipped, imagePath } = await cache.seedFromArchive(archive, task);
    const config = readFileSync(join(unpack(imagePath, home), "source/.git/config"), "utf8");
    return { skipped, kept: /hookspath = "(.*)"/u.exec(config)?.[1], required: config.includes("required") };
  };
  expect(await seed("tools")).toEqual({ skipped: [], kept: "tools", required: false });
  expect(await seed("../tools")).toEqual({ skipped: [], kept: "../tools", required: false });
  for (const hooks of ["../../tools", "/tools", "~/tools"]) {
    const reason = expect.stringContaining(`core.hooksPath ${hooks} leads out of it`) as string;
    const skipped = [{ path: "source/.git/config", reason }];
    expect(await seed(hooks)).toEqual({ skipped, kept: undefined, required: false });
  }
  set("core.hooksPath", "/dev/null");
  set("filter.x.required", "true");
  const reason = expect.stringMatching(/^of its filters x none is required inside/u) as string;
  const expected = { skipped: [{ path: "source/.git/config", reason }], kept: "/dev/null", required: false };
  expect(await seed("/dev/null")).toEqual(expected);
});
