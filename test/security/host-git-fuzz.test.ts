// Proves for repositories' folders of any content that git on the host runs nothing of them, and that nothing of another repository enters a seed.

import * as fc from "fast-check";
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { openSeedManifest } from "../../src/tree/seed/manifest.js";
import { cache, canary, forgetRan, git, home, makeRepository, ran, task, victim, write } from "./git-host.js";

// Each run starts some dozens of programs.
vi.setConfig({ testTimeout: 600_000 });

const runs = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 12);

/** Files of a repository's folder that say where something lies, or what is to be run. */
const names = [
  "HEAD",
  "commondir",
  "gitdir",
  "config",
  "config.worktree",
  "packed-refs",
  "index",
  "refs/heads/main",
].concat(
  ["objects/info/alternates", "objects/info/http-alternates", "info/exclude", "info/sparse-checkout", "info/grafts"],
  ["modules/x/HEAD", "modules/x/config", "worktrees/x/gitdir", "worktrees/x/commondir", "shallow", "MERGE_HEAD"],
);
const places = ["/.git", "/.git/objects", "/.git/worktrees/tree", "/.git/refs/heads/main", "/.git/config", ""];

interface Change {
  readonly name: string;
  readonly kind: "path" | "link" | "bytes" | "settings" | "cut" | "gone" | "pointer";
  readonly place: string;
  readonly bytes: Uint8Array;
  readonly inner: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  name: fc.constantFrom(...names),
  kind: fc.constantFrom("path", "link", "bytes", "settings", "cut", "gone", "pointer"),
  place: fc.constantFrom(...places),
  bytes: fc.uint8Array({ maxLength: 200 }),
  inner: fc.boolean(),
});

function settings(other: string): string {
  const program = canary("setting");
  return [
    "[core]\n\trepositoryFormatVersion = 1",
    `\tfsmonitor = ${program}\n\tsshCommand = ${program}\n\tworktree = ${other}\n\texcludesFile = ${other}/secret-plan`,
    `[extensions]\n\tpartialClone = o\n[remote "o"]\n\turl = ${other}\n\tpromisor = true\n\tuploadpack = "${program}"`,
    `[include]\n\tpath = ${other}/.git/config\n`,
  ].join("\n");
}

/** One change below a checkout; what cannot be done is left. */
function apply(root: string, other: string, { name, kind, place, bytes, inner }: Change): void {
  const repository = join(root, inner ? "inner" : "", ".git");
  const path = join(repository, name);
  try {
    if (kind === "cut") writeFileSync(path, readFileSync(path).subarray(0, bytes.length));
    else rmSync(path, { recursive: true, force: true });
    if (kind === "path") write(repository, { [name]: `${name === "HEAD" ? "ref: " : ""}${other}${place}\n` });
    if (kind === "link") symlinkSync(`${other}${place}`, path);
    if (kind === "bytes") writeFileSync(path, bytes);
    if (kind === "settings") writeFileSync(path, settings(other));
    if (kind === "pointer") {
      rmSync(repository, { recursive: true, force: true });
      writeFileSync(repository, `gitdir: ${other}${place}\n`);
    }
  } catch {
    // Names that exclude each other: whatever came first stays.
  }
}

function digestsBelow(folder: string): ReadonlySet<string> {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const contents = found.map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  return new Set(contents.map((content) => createHash("sha256").update(content).digest("hex")));
}

test("whatever a repository's folder holds, nothing runs and nothing of another one enters", async () => {
  const other = victim();
  write(other, {
    ".git/config": `${readFileSync(join(other, ".git/config"), "utf8")}[user]\n\tname = of the victim\n`,
  });
  git(other, "worktree", "add", "-q", "-b", "side", join(home, "tree"));
  const ordinary = makeRepository(join(home, "ordinary"));
  const own = new Set(digestsBelow(ordinary));
  const secret = new Set([...digestsBelow(other)].filter((digest) => !own.has(digest)));
  forgetRan();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      const root = join(home, "runs", String(count++));
      mkdirSync(join(home, "runs"), { recursive: true });
      git(home, "clone", "-q", ordinary, root);
      git(home, "clone", "-q", ordinary, join(root, "inner"));
      for (const each of changes) apply(root, other, each);
      const stolen: string[] = [];
      try {
        const seed = await cache.seedFromDirectory(root, task);
        await using manifest = await openSeedManifest(seed.manifestPath);
        for await (const { path, sha256 } of manifest.below(Buffer.alloc(0))) if (secret.has(sha256)) stolen.push(path);
      } catch (error) {
        if (!(error instanceof PyroError) || error.code === "internal") throw error;
      }
      rmSync(root, { recursive: true });
      expect({ stolen, ran: ran() }).toStrictEqual({ stolen: [], ran: [] });
    }),
    { numRuns: runs },
  );
});
