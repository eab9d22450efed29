// Proves that files that are none, wherever they lie, hold up neither a seed nor anything else of the process, and that every reading ends.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openWithin } from "../../src/base/host-roots.js";
import { listDirectory } from "../../src/tree/seed/directory-listing.js";
import { openSeedCache } from "../../src/tree/seed/seed-cache.js";
import { openSeeds } from "../../src/tree/seed/seeds.js";
import { git } from "../unit/tree/seed/tree.js";

vi.setConfig({ testTimeout: 600_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let source: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-no-files-"));
  source = join(home, "source");
  mkdirSync(source);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

function pipe(path: string): void {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  execFileSync("mkfifo", [join(source, path)]);
}

function caches(count: number) {
  return Array.from({ length: count }, (_, index) =>
    openSeedCache({ root: join(home, `seeds-${index}`), clock: () => new Date() }),
  );
}

/** More than the process has threads for files: if each of them waited, nothing could be read any more. */
const many = 6;

test.each([
  ["a lender of objects", ["x/objects/info/alternates"]],
  ["a repository's place", [".git", "inner/.git"]],
  ["a shared folder's place", [".git/commondir", ".git/HEAD", ".git/objects", ".git/refs"]],
  ["rules of what is ignored", [".gitignore", "inner/.gitignore"]],
  ["any name", ["a", "b", "c/d"]],
])("a pipe as %s is left out", async (_, pipes) => {
  for (const each of pipes) pipe(each);
  writeFileSync(join(source, "file"), "x");
  const seeds = await Promise.all(caches(many).map(async (cache) => cache.seedFromDirectory(source, task)));
  expect(seeds.map(({ fileCount }) => fileCount)).toEqual(Array.from({ length: many }, () => 1));
  expect(await readFile(join(source, "file"), "utf8")).toBe("x");
});

test("pipes in the places of a checkout's own files are left out, and its git folder stays of use", async () => {
  writeFileSync(join(source, "file"), "x");
  git(source, "init", "-q");
  git(source, "add", ".");
  git(source, "commit", "-qm", "first");
  for (const each of [".git/config.worktree", ".git/FETCH_HEAD", ".git/logs/refs/heads/x"]) pipe(each);
  const seeds = await Promise.all(caches(many).map(async (cache) => cache.seedFromDirectory(source, task)));
  expect(new Set(seeds.map(({ mode }) => mode))).toEqual(new Set(["git"]));
});

test("a pipe, a socket or a device as the source is refused at once", async () => {
  pipe("pipe.tar");
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories") });
  const refused = { code: "invalid_argument" };
  for (const path of [join(source, "pipe.tar"), "/dev/zero", "/dev/null"]) {
    const request = { sshAgent: undefined, allowedRoots: undefined };
    const all = Array.from({ length: many }, async () => {
      await expect(seeds.prepare({ ...request, seed_path: path }, task)).rejects.toMatchObject(refused);
      await expect(seeds.openTree({ path, allowedRoots: undefined }, task)).rejects.toMatchObject(refused);
    });
    await Promise.all(all);
  }
});

/** A checkout with one tracked file and one that is not, and what is to be seeded of it. */
function makeCheckout(): void {
  git(source, "init", "-q");
  write("tracked");
  git(source, "add", ".");
  git(source, "commit", "-qm", "first");
  write("new");
}

function write(path: string, content = "x"): void {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  writeFileSync(join(source, path), content);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  symlinkSync(target, join(source, path));
}

async function listed() {
  await using opened = await openWithin(source, { roots: undefined, field: "" });
  const { signal } = task;
  await using listing = await listDirectory(opened, {
    field: "seed_path",
    allowHostPaths: [],
    scratch: join(home, "scratch"),
    signal,
  });
  const names = listing.items.map(({ path }) => path).filter((path) => path !== ".git" && !path.startsWith(".git/"));
  return { names, skipped: listing.skipped };
}

const noRules = "a named pipe: no rules of it count";
const unruled = "no rules can be read from it, so the untracked files of its folder are left out";
const noEnd = "its .git leads to what is no regular file";

interface Checkout {
  readonly place: string;
  readonly make: () => void;
  readonly names: readonly string[];
  readonly left: Readonly<Record<string, string>>;
}

test.each<Checkout>([
  {
    place: "of untracked rules at any depth",
    make: () => {
      for (const each of [".gitignore", "a/.gitignore", "a/b/c/.gitignore"]) pipe(each);
      write("a/b/c/file");
    },
    names: ["a", "a/b", "a/b/c", "a/b/c/file", "new", "tracked"],
    left: { ".gitignore": noRules, "a/.gitignore": noRules, "a/b/c/.gitignore": noRules },
  },
  {
    place: "of tracked rules",
    make: () => {
      write("a/.gitignore", "secret\n");
      git(source, "add", ".");
      rmSync(join(source, "a/.gitignore"));
      pipe("a/.gitignore");
      write("a/file");
    },
    names: ["a", "a/file", "new", "tracked"],
    left: { "a/.gitignore": noRules },
  },
  {
    place: "of what git reads elsewhere",
    make: () => [".gitattributes", ".mailmap", ".gitmodules", "a/.gitattributes"].forEach(pipe),
    names: ["new", "tracked"],
    left: {},
  },
  {
    place: "of a repository's folder in it",
    make: () => {
      pipe("head [a]/.git/HEAD");
      write("head [a]/file");
      link("led/.git/HEAD", "../../pipe");
      pipe("pipe");
      link("endless/.git/commondir", "/dev/zero");
      write("endless/.git/HEAD", "ref: refs/heads/main\n");
      write("named/.git", "gitdir: ../head [a]/.git\n");
      write("beside/file");
    },
    names: ["beside", "beside/file", "new", "tracked"],
    left: { "head [a]": noEnd, led: noEnd, endless: noEnd, named: noEnd },
  },
  {
    place: "of rules without end",
    make: () => {
      for (const each of ["a/.gitignore", "a/tracked"]) write(each);
      git(source, "add", "a/tracked");
      write("a/new");
      truncateSync(join(source, "a/.gitignore"), 2 ** 33);
    },
    names: ["a", "a/tracked", "new", "tracked"],
    left: { "a/.gitignore": unruled },
  },
])("git is not held up in the place $place", async ({ make, names, left }) => {
  makeCheckout();
  make();
  const { names: found, skipped } = await listed();
  expect(found).toEqual(names);
  const said = skipped
    .map(({ path, reason }) => [path, reason] as const)
    .filter(([, reason]) => reason !== "a named pipe");
  expect(Object.fromEntries(said)).toEqual(left);
});

test("a program of the host that never answers ends with the time of the seed, and when nobody wants the seed any more", async () => {
  makeCheckout();
  // git waits for a writer of the user's own settings, which nobody else names.
  execFileSync("mkfifo", [join(home, ".gitconfig")]);
  vi.stubEnv("HOME", home);
  const cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date(), timeoutMs: 1000 });
  await expect(cache.seedFromDirectory(source, task)).rejects.toMatchObject({ code: "deadline_exceeded" });
  const deleted = new AbortController();
  const reason = new Error("the workspace was deleted");
  const progress = () => void setImmediate(() => deleted.abort(reason));
  const [endless] = caches(1);
  await expect(endless?.seedFromDirectory(source, { signal: deleted.signal, progress })).rejects.toBe(reason);
});
