// Proves that the patch of a diff never gives what git takes for a repository a program to run, and that the diff names it.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DiffResult, diffWorkspace } from "../../src/tree/diff/diff.js";
import type { SeedRecord } from "../../src/tree/seed/manifest-line.js";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "pyro-diff-repository-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Files = Readonly<Record<string, string>>;
interface World {
  readonly seed?: Files;
  readonly changed?: Readonly<Record<string, string | undefined>>;
  readonly paths?: readonly string[];
}

function recordOf(seed: Files, path: string): SeedRecord | undefined {
  const plain = { path, mode: 0o755, size: 0, mtime: 0, sha256: "", target: "", group: "" };
  const text = seed[path];
  if (text === undefined) {
    return Object.keys(seed).some((each) => each.startsWith(`${path}/`)) ? { ...plain, kind: "directory" } : undefined;
  }
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { ...plain, kind: "file", mode: 0o644, size: Buffer.byteLength(text), sha256 };
}

async function diffOf({ seed = {}, changed = {}, paths }: World): Promise<DiffResult> {
  const open = (text = "") => ({
    mode: 0o644,
    size: Buffer.byteLength(text),
    chunks: (async function* () {
      yield Buffer.from(text);
    })(),
  });
  return diffWorkspace({
    seed: {
      lookup: async (path) => recordOf(seed, path.toString()),
      async *below() {},
      async *linked() {},
    },
    source: {
      async *touched() {
        for (const [path, text] of Object.entries(changed)) {
          const size = Buffer.byteLength(text ?? "");
          yield { path: Buffer.from(path), kind: text === undefined ? "whiteout" : "file", mode: 0o644, size };
        }
      },
      statNew: async () => ({ mode: 0o644, size: 0 }),
      openNew: async (path) => open(changed[path.toString()]),
      openOld: async (path) => open(seed[path.toString()]),
      readSmall: async () => new Map(),
    },
    signal: new AbortController().signal,
    maxEntries: 100,
    maxPatchCharacters: 1_000_000,
    ...(paths === undefined ? {} : { paths: paths.map((path) => Buffer.from(path)) }),
  });
}

/** What the patch is about. */
function patched({ patch }: DiffResult): string[] {
  return [...patch.matchAll(/^diff --git a\/(.*) b\/.*$/gmu)].map(([, path = ""]) => path);
}

const omission = (path: string) => ({
  path,
  kind: "repository",
  reason: "git would take it for a repository: its settings and hooks are left out",
});
const head = "ref: refs/heads/main\n";
const bare: Files = { "r/HEAD": head, "r/objects/info/x": "x\n", "r/refs/heads/x": "x\n" };
const armed: Files = {
  "r/config": "[core]\n\tfsmonitor = evil\n",
  "r/config.worktree": "x\n",
  "r/hooks/post-checkout": "#!/bin/sh\n",
  "r/sub/config": "of something else\n",
};

describe("settings and hooks are left out and named", () => {
  test("of a repository that is new", async () => {
    const result = await diffOf({ changed: { ...bare, ...armed, "r/description": "x\n" } });
    expect(patched(result)).toStrictEqual([
      "r/HEAD",
      "r/description",
      "r/objects/info/x",
      "r/refs/heads/x",
      "r/sub/config",
    ]);
    expect(result.omitted).toStrictEqual([omission("r/")]);
    expect(
      result.entries.filter(({ omitted }) => omitted !== undefined).map(({ path, omitted }) => [path, omitted]),
    ).toStrictEqual(["r/config", "r/config.worktree", "r/hooks/post-checkout"].map((path) => [path, "repository"]));
    expect(result.counts.added).toBe(8);
  });

  test("of one that the seed has, and of one that both have a part of", async () => {
    for (const parts of [[], ["r/HEAD"], ["r/objects/info/x"], ["r/HEAD", "r/refs/heads/x"], Object.keys(bare)]) {
      const changed = Object.fromEntries(Object.entries(bare).filter(([path]) => !parts.includes(path)));
      const seed = Object.fromEntries(Object.entries(bare).filter(([path]) => parts.includes(path)));
      const result = await diffOf({ seed, changed: { ...changed, ...armed } });
      expect([parts, patched(result)]).toStrictEqual([parts, [...Object.keys(changed), "r/sub/config"].sort()]);
      expect(result.omitted).toStrictEqual([omission("r/")]);
    }
  });

  test("also when only they are asked for, and in the workspace itself", async () => {
    const result = await diffOf({ changed: { ...bare, ...armed }, paths: ["r/config"] });
    expect([result.patch, result.omitted]).toStrictEqual(["", [omission("r/")]]);
    const top = Object.fromEntries(Object.entries({ ...bare, ...armed }).map(([path, text]) => [path.slice(2), text]));
    const whole = await diffOf({ changed: top });
    expect([patched(whole), whole.omitted]).toStrictEqual([
      ["HEAD", "objects/info/x", "refs/heads/x", "sub/config"],
      [omission("./")],
    ]);
  });

  test("by another letter case, and of one made by commondir", async () => {
    const result = await diffOf({
      changed: { "r/Head": head, "r/OBJECTS/x": "x\n", "r/refs/x": "x\n", "r/Config": "x\n", "r/HOOKS/x": "x\n" },
    });
    expect(patched(result)).toStrictEqual(["r/Head", "r/OBJECTS/x", "r/refs/x"]);
    const linked = await diffOf({ changed: { "r/HEAD": head, "r/commondir": "../s\n", "r/config": "x\n" } });
    expect(patched(linked)).toStrictEqual(["r/HEAD"]);
  });

  test("what would make a repository of a folder that has settings already is left out, too", async () => {
    const result = await diffOf({ seed: armed, changed: bare });
    expect(patched(result)).toStrictEqual(["r/objects/info/x", "r/refs/heads/x"]);
    expect(result.omitted).toStrictEqual([omission("r/")]);
  });
});

test("whatever is no repository is whole", async () => {
  const { "r/HEAD": _, ...rest } = bare;
  const result = await diffOf({ changed: { ...rest, ...armed } });
  expect([patched(result), result.omitted]).toStrictEqual([Object.keys({ ...rest, ...armed }).sort(), []]);
  const gone = await diffOf({ seed: bare, changed: { ...armed, "r/HEAD": undefined } });
  expect(gone.omitted).toStrictEqual([]);
});

test("git runs nothing where the patch was applied, and would have", async () => {
  const canary = join(root, "canary");
  const config = `[core]\n\trepositoryformatversion = 0\n\tworktree = .\n\tfsmonitor = "touch ${canary}; false"\n`;
  const files = { ...bare, "r/config": config };
  const environment = {
    PATH: process.env["PATH"],
    HOME: root,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CEILING_DIRECTORIES: root,
  };
  const statusIn = (folder: string): boolean => {
    spawnSync("git", ["status"], { cwd: folder, env: environment });
    return existsSync(canary);
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, "as-it-was", dirname(path)), { recursive: true });
    writeFileSync(join(root, "as-it-was", path), text);
  }
  expect(statusIn(join(root, "as-it-was", "r"))).toBe(true);
  rmSync(canary);
  mkdirSync(join(root, "patched"));
  const { patch } = await diffOf({ changed: files });
  execFileSync("git", ["apply"], { cwd: join(root, "patched"), input: patch, env: environment });
  expect(existsSync(join(root, "patched", "r", "HEAD"))).toBe(true);
  expect(statusIn(join(root, "patched", "r"))).toBe(false);
});
