// Proves that files that are none, wherever they lie, hold up neither a seed nor anything else of the process, and that every reading ends.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSeedCache } from "../../src/tree/seed/seed-cache.js";
import { openSeeds } from "../../src/tree/seed/seeds.js";
import { git } from "../unit/seed-tree.js";

vi.setConfig({ testTimeout: 60_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let source: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-no-files-"));
  source = join(home, "source");
  mkdirSync(source);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

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

test("a program of the host that never answers ends with the time of the seed, and when nobody wants the seed any more", async () => {
  // git opens it and waits for a writer.
  pipe(".gitignore");
  execFileSync("git", ["init", "-q", source]);
  writeFileSync(join(source, "file"), "x");
  const cache = openSeedCache({ root: join(home, "seeds"), clock: () => new Date(), timeoutMs: 1000 });
  await expect(cache.seedFromDirectory(source, task)).rejects.toMatchObject({ code: "deadline_exceeded" });
  const deleted = new AbortController();
  const reason = new Error("the workspace was deleted");
  const progress = () => void setImmediate(() => deleted.abort(reason));
  const [endless] = caches(1);
  await expect(endless?.seedFromDirectory(source, { signal: deleted.signal, progress })).rejects.toBe(reason);
});
