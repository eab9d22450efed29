// Proves, with git as the judge, that no export and no sequence of exports makes what git takes for a repository.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { type Exports, openExports } from "../../src/tree/export/exports.js";
import { extractExport } from "../../src/tree/export/extract.js";
import { walkTree } from "../unit/tree/diff/overlay.js";
import { type TestEntry, realTar, streamOf, tarOf } from "../unit/tree/export/tar.js";

let root: string;
let home: string;
let exports: Exports;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-export-repository-")));
  home = join(root, "home");
  mkdirSync(home);
  exports = await openExports(join(root, "state-that-is-made"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function exported(target: string, stream: AsyncIterable<Uint8Array>, force = false) {
  return extractExport({
    stream,
    target,
    contentOnly: false,
    force,
    limits: { maxEntries: 10_000, maxBytes: 10_000_000 },
    allowedRoots: undefined,
    exports,
    signal: new AbortController().signal,
  });
}

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: join(root, "nobody"),
  GIT_CEILING_DIRECTORIES: root,
  GIT_CONFIG_NOSYSTEM: "1",
});

/** The repository that git finds from a folder; undefined where there is none. */
function repositoryFrom(folder: string): string | undefined {
  const args = ["rev-parse", "--absolute-git-dir"];
  const { status, stdout } = spawnSync("git", args, { cwd: folder, encoding: "utf8", env: environment() });
  return status === 0 ? stdout.trim() : undefined;
}

function bareRepository(path: string): void {
  execFileSync("git", ["init", "--quiet", "--bare", path], { env: environment() });
}

/** One that runs the canary at every `git status`. */
function arm(repository: string): string {
  const canary = join(root, "canary");
  const config = `[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = "touch ${canary}; false"\n`;
  writeFileSync(join(repository, "config"), `[core]\n\trepositoryformatversion = 0\n${config}`);
  return canary;
}

function status(folder: string): void {
  spawnSync("git", ["status"], { cwd: folder, env: environment() });
}

describe("a bare repository", () => {
  test("runs a program at `git status`, and does not where it was exported", async () => {
    const source = join(root, "source");
    mkdirSync(source);
    bareRepository(join(source, "r"));
    const canary = arm(join(source, "r"));
    status(join(source, "r"));
    expect(existsSync(canary)).toBe(true);
    rmSync(canary);
    const { skipped } = await exported(join(home, "r"), realTar(source, "r"));
    expect(skipped.map(({ path }) => path).every((path) => ["HEAD", "objects", "refs"].includes(path))).toBe(true);
    expect(skipped.length).toBeGreaterThan(0);
    status(join(home, "r"));
    expect([repositoryFrom(join(home, "r")), existsSync(canary)]).toStrictEqual([undefined, false]);
  });

  const refused = async (target: string, force = false) =>
    exported(target, streamOf(tarOf([{ name: "f", content: "ref: refs/heads/x\n" }])), force).then(
      () => "accepted",
      (error: unknown) => (error instanceof PyroError ? error.code : String(error)),
    );

  test("is not written into, nor replaced in part, by its names or beside them", async () => {
    bareRepository(join(home, "r"));
    for (const name of ["hooks/post-checkout", "config", "new", "refs/heads/x", "info/attributes"]) {
      expect([name, await refused(join(home, "r", name), true)]).toStrictEqual([name, "permission_denied"]);
    }
    expect(readFileSync(join(home, "r", "config"), "utf8")).toContain("bare = true");
  });

  test("of the user's own, with checkouts in it, lets exports into those checkouts", async () => {
    bareRepository(join(home, "r"));
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@x", ...args], {
        cwd: join(home, "r"),
        env: environment(),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    const tree = git("hash-object", "-t", "tree", "-w", "/dev/null");
    git("worktree", "add", "--detach", "checkout", git("commit-tree", "-m", "x", tree));
    expect(await refused(join(home, "r", "checkout", "f"))).toBe("accepted");
  });

  test("is not completed at its top by one export after the other, by two at once or by another spelling", async () => {
    const into = (name: string) => refused(join(home, "r", name));
    mkdirSync(join(home, "r"));
    expect([await into("HEAD"), await into("objects")]).toStrictEqual(["accepted", "accepted"]);
    for (const name of ["refs", "REFS", "ref\u017f", "refs.", "re\u200bfs"]) {
      expect([name, await into(name)]).toStrictEqual([name, "permission_denied"]);
    }
    expect(await into("commondir")).toBe("permission_denied");
    rmSync(join(home, "r"), { recursive: true });
    mkdirSync(join(home, "r"));
    const together = await Promise.all(["refs", "objects", "HEAD"].map(into));
    expect(together.sort()).toStrictEqual(["accepted", "accepted", "permission_denied"]);
  });
});

const heads = ["ref: refs/heads/main\n", `${"0".repeat(39)}1\n`];
const contents = [...heads, ".\n", "a\n", "../a\n", "gitdir: a\n", "[core]\n"];
const parts = fc.constantFrom("HEAD", "objects", "refs");
const name = fc.oneof(
  { weight: 3, arbitrary: parts },
  { weight: 2, arbitrary: fc.constantFrom("commondir", "head", "OBJECTS", "Refs", ".git", ".GIT", "config", "a", "b") },
);
const leaf = fc.oneof(
  { weight: 2, arbitrary: fc.record({ content: fc.constantFrom(...contents), mode: fc.constantFrom(0o644, 0o755) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("5"), mode: fc.constant(0o755) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("2"), target: fc.constantFrom("refs/heads/a", "a", "../a", ".git") }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("1"), target: fc.constantFrom("d/a", "d/HEAD", "d/a/HEAD") }) },
);
/** As git would have it, so that little is missing to a repository. */
const fitting = fc.tuple(fc.constantFrom("", "a/"), parts).map(([folder, part]): TestEntry => {
  const path = `d/${folder}${part}`;
  return part === "HEAD" ? { name: path, content: heads[0] ?? "" } : { name: path, type: "5", mode: 0o755 };
});
const odd: fc.Arbitrary<TestEntry> = fc
  .tuple(fc.array(name, { minLength: 1, maxLength: 3 }), leaf)
  .map(([path, rest]) => ({ name: ["d", ...path].join("/"), ...rest }));
const entry = fc.oneof({ weight: 5, arbitrary: fitting }, { weight: 1, arbitrary: odd });
const anyExport = fc.record({
  /** Below what earlier exports made, where that is a folder. */
  at: fc.oneof(fc.constant(["a"]), fc.array(name, { minLength: 1, maxLength: 2 })),
  single: fc.option(leaf, { nil: undefined, freq: 4 }),
  entries: fc.uniqueArray(entry, { maxLength: 6, selector: (each) => each.name }),
  force: fc.boolean(),
});
/** One part more of a repository, where the others may be. */
const onePart = parts.map((part) => ({
  at: ["a", part],
  single: part === "HEAD" ? { content: heads[0] ?? "" } : { type: "5", mode: 0o755 },
  entries: [],
  force: false,
}));
const oneExport = fc.oneof(anyExport, onePart);
const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 60);

test(
  "git finds no repository in what random sequences of exports made",
  { timeout: 600_000 + runs * 2000 },
  async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(oneExport, { minLength: 1, maxLength: 6 }), async (sequence) => {
        rmSync(home, { recursive: true, force: true });
        mkdirSync(home);
        for (const { at, single, entries, force } of sequence) {
          const archive =
            single === undefined ? [{ name: "d", type: "5", mode: 0o755 }, ...entries] : [{ name: "d", ...single }];
          const error = await exported(join(home, ...at), streamOf(tarOf(archive)), force).catch(
            (thrown: unknown) => thrown,
          );
          if (error instanceof Error && !(error instanceof PyroError)) throw error;
        }
        for (const folder of foldersOf(home)) {
          found += 1;
          expect([folder, repositoryFrom(folder)]).toStrictEqual([folder, undefined]);
        }
      }),
      { numRuns: runs, seed: 20261128 },
    );
    expect(found).toBeGreaterThan(runs);
  },
);

/** What git could be started in. */
function foldersOf(folder: string): string[] {
  const below = [...walkTree(folder)].filter(([, stat]) => stat.isDirectory()).map(([path]) => join(folder, path));
  return [folder, ...below];
}
