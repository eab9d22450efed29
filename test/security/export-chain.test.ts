// Proves that each way by which exports brought a `.git` to the host, for a seed to run its settings, is closed by itself.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PyroError } from "../../src/base/error.js";
import { type Exports, openExports } from "../../src/tree/export/exports.js";
import { extractExport } from "../../src/tree/export/extract.js";
import { type TestEntry, streamOf, tarOf } from "../unit/tree/export/tar.js";

let root: string;
let project: string;
let canary: string;
let exports: Exports;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-export-chain-")));
  project = join(root, "project");
  canary = join(root, "canary");
  mkdirSync(project);
  exports = await openExports(join(root, "state"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** As a model would call it: over MCP, with the project allowed. */
async function call(output: string, entries: readonly TestEntry[]): Promise<string> {
  try {
    const { skipped } = await extractExport({
      stream: streamOf(tarOf(entries)),
      target: `${project}/${output}`,
      contentOnly: false,
      force: false,
      limits: { maxEntries: 1000, maxBytes: 100_000 },
      allowedRoots: [project],
      exports,
      signal: new AbortController().signal,
    });
    return skipped.map(({ path }) => path).join(" ");
  } catch (error) {
    if (error instanceof PyroError) return error.code;
    throw error;
  }
}

/** What a seed of the project would start with, without the care that it takes. */
function gitRunsIn(folder: string): boolean {
  const env = { PATH: process.env["PATH"], HOME: root, GIT_CONFIG_NOSYSTEM: "1", GIT_CEILING_DIRECTORIES: root };
  spawnSync("git", ["status"], { cwd: folder, env });
  return existsSync(canary);
}

const folder = (name: string): TestEntry => ({ name, type: "5", mode: 0o755 });
const repository = (at: string): readonly TestEntry[] => [
  folder(`${at}/`),
  { name: `${at}/HEAD`, content: "ref: refs/heads/main\n" },
  folder(`${at}/objects`),
  folder(`${at}/refs`),
  {
    name: `${at}/config`,
    content: `[core]\n\trepositoryformatversion = 0\n\tworktree = ${project}\n\tfsmonitor = "touch ${canary}; false"\n`,
  },
];
/** As a version before took for the leftovers of its own, of a process that is gone. */
const staging = ".pyro-export-4194305-1-0123456789ab";
const leftovers: readonly TestEntry[] = [
  folder("d/"),
  { name: "d/target", content: ".git" },
  folder("d/made"),
  ...repository("d/replaced"),
];

describe("an export plants .git", () => {
  test("link 1: the folder that says it is to be recovered has no name beside the project's files", async () => {
    expect([await call(staging, leftovers), readdirSync(project)]).toStrictEqual(["permission_denied", []]);
  });

  test("link 2: under another name its repository is not whole", async () => {
    expect(await call("d", leftovers)).toBe("replaced/refs");
    expect(gitRunsIn(join(project, "d", "replaced"))).toBe(false);
  });

  test("link 3: if it stands there all the same, neither an export nor a new daemon does what it says", async () => {
    await call("d", leftovers);
    mkdirSync(join(project, "d", "replaced", "refs"));
    renameSync(join(project, "d"), join(project, staging));
    expect(await call("f", [{ name: "f", content: "x" }])).toBe("");
    exports = await openExports(join(root, "state"));
    expect(await exports.recover()).toStrictEqual([]);
    expect(await call("g", [{ name: "g", content: "x" }])).toBe("");
    expect([readdirSync(project).sort(), gitRunsIn(project)]).toStrictEqual([[staging, "f", "g"], false]);
  });

  test("link 4: no export is called .git, or has one in it", async () => {
    expect(await call(".git", repository("d"))).toBe("permission_denied");
    expect(await call("e", [folder("e/"), ...repository("e/.git")])).toBe(".git");
    expect([readdirSync(join(project, "e")), gitRunsIn(project), gitRunsIn(join(project, "e"))]).toStrictEqual([
      [],
      false,
      false,
    ]);
  });

  test("the same repository, put there by hand, would have run", async () => {
    await call("d", repository("d"));
    mkdirSync(join(project, "d", "refs"));
    renameSync(join(project, "d"), join(project, ".git"));
    expect(gitRunsIn(project)).toBe(true);
  });
});
