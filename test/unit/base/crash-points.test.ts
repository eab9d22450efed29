// Proves, at each crash point that needs no machine, that a process that dies there leaves what the next one puts in order.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { crashPoints } from "../../../src/base/crash-point.js";
import { removeLeftovers, templateRoot } from "../../../src/machine/saved/template-folders.js";
import { openSeedCache } from "../../../src/tree/seed/seed-cache.js";
import { claimWalks, exportSteps, fileWalks, workspaceWalks } from "../../crash-walks.js";

let programs: string;
let folder: string;
beforeAll(async () => {
  // In the checkout: it looks for the agent above itself.
  programs = mkdtempSync(join(import.meta.dirname, "..", "..", "..", "build", "killed-"));
  await build({
    entryPoints: [join(import.meta.dirname, "killed-program.ts")],
    outfile: join(programs, "killed.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
});
afterAll(() => rmSync(programs, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-killed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(what: string, dieAt?: string) {
  const env = { PATH: process.env["PATH"], ...(dieAt === undefined ? {} : { PYRO_DIE_AT: dieAt }) };
  const { signal, stdout, stderr } = spawnSync(process.execPath, [join(programs, "killed.mjs"), what, folder], {
    encoding: "utf8",
    env,
  });
  return { signal, stdout, stderr };
}

const killed = { signal: "SIGKILL", stdout: "", stderr: "" };

test("every crash point is walked", () => {
  const walked = [
    ...[...Object.values(workspaceWalks), ...Object.values(fileWalks), claimWalks].flat(),
    ...exportSteps.map((step) => `export: ${step}`),
  ];
  const names = new Set<string | undefined>(walked.map((each) => each.split(": ")[0]));
  const known = new Set<string | undefined>(crashPoints);
  expect([crashPoints.filter((name) => !names.has(name)), [...names].filter((name) => !known.has(name))]).toEqual([
    [],
    [],
  ]);
});

for (const point of fileWalks.seed) {
  test(`a seed whose making died at "${point}" is made again, the same, and nothing of the dead one stays`, async () => {
    mkdirSync(join(folder, "tree"));
    writeFileSync(join(folder, "tree", "file"), "content");
    expect(run("seed", point)).toEqual(killed);
    const { signal, stdout: digest, stderr } = run("seed");
    expect([signal, stderr, digest]).toEqual([
      null,
      "",
      expect.stringMatching(/^sha256:[0-9a-f]{64}$|^[0-9a-f]{64}$/u),
    ]);
    expect(readdirSync(join(folder, "seeds", "trees"))).toEqual([digest]);
    const later = () => new Date(Date.now() + 2 * 3_600_000);
    const cache = openSeedCache({ root: join(folder, "seeds"), clock: later });
    await cache.prune(new Set([digest]), new AbortController().signal);
    expect(readdirSync(join(folder, "seeds", "tmp"))).toEqual([]);
  });
}

for (const point of fileWalks.template) {
  test(`a template whose making or replacing died at "${point}" is there whole, or made again`, async () => {
    writeFileSync(join(folder, "image"), "image");
    const root = templateRoot({ cache: folder });
    expect(run("template", point)).toEqual(killed);
    // What held the dead one's lock for it lets go a moment later.
    await vi.waitFor(async () => {
      await removeLeftovers(root, new AbortController().signal);
      const whole = readdirSync(root).filter((name) => !name.endsWith(".lock"));
      expect(whole.filter((name) => !/^[0-9a-f]{32}\.[0-9a-f]{16}$/u.test(name))).toEqual([]);
    }, 240_000);
    expect(run("template")).toMatchObject({ signal: null, stderr: "" });
    expect(readdirSync(root).filter((name) => !name.endsWith(".lock"))).toHaveLength(1);
  });
}

for (const point of fileWalks.config) {
  test(`a host's config whose replacing died at "${point}" is the old one; the next replacing removes what is left`, () => {
    const path = join(folder, "opencode.json");
    writeFileSync(path, "old");
    expect(run("config", point)).toEqual(killed);
    expect(readFileSync(path, "utf8")).toBe("old");
    const [draft = ""] = readdirSync(folder).filter((name) => name.endsWith(".tmp"));
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(join(folder, draft), hourAgo, hourAgo);
    // Another file's, and one that is none.
    for (const name of ["other.json.0123456789ab.tmp", "opencode.json.tmp"]) {
      writeFileSync(join(folder, name), "");
      utimesSync(join(folder, name), hourAgo, hourAgo);
    }
    expect(run("config")).toEqual({ signal: null, stdout: "written", stderr: "" });
    expect(readdirSync(folder).toSorted()).toEqual([
      "opencode.json",
      "opencode.json.tmp",
      "other.json.0123456789ab.tmp",
    ]);
    expect(readFileSync(path, "utf8")).toBe("new");
  });
}
