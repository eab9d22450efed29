// Proves that the same story through the command line, MCP and the SDK ends with the same results, on real machines.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sharedHome } from "./home.js";
import type { StructuredContent } from "./mcp-client.js";
import { fix, fixedCalc, makeRepository, testCommand } from "./repository.js";
import { openCommandLine, openMcp, openSdk, type Surface } from "./surfaces.js";

const home = sharedHome();

/** What differs from one run to the next, and how the command was written. */
const volatile = [
  "workspace_id",
  "created_at",
  "last_active_at",
  "last_reset_at",
  "duration_ms",
  "command",
  "output_path",
];

function lasting(result: StructuredContent): StructuredContent {
  return Object.fromEntries(Object.entries(result).filter(([name]) => !volatile.includes(name)));
}

/** Failing test, patch, passing test, diff, export, reset, empty diff, delete: every result in order. */
async function story(surface: Surface, seedPath: string): Promise<readonly StructuredContent[]> {
  const created = await surface.create(seedPath);
  const id = String(created["workspace_id"]);
  const output = join(seedPath, `exported-${surface.name.replaceAll(" ", "-")}.sh`);
  try {
    const results = [
      created,
      await surface.exec(id, testCommand),
      await surface.exec(id, "cat src/part1.txt new.txt; git status --short; ls ignored"),
      await surface.patch(id, fix),
      await surface.exec(id, testCommand),
      await surface.diff(id),
      await surface.export(id, "src/calc.sh", output),
      await surface.reset(id),
      await surface.diff(id),
      await surface.exec(id, testCommand),
    ];
    expect(readFileSync(output, "utf8")).toBe(fixedCalc);
    return results.map(lasting);
  } finally {
    expect(await surface.delete(id)).toEqual({ workspace_id: id, deleted: true });
  }
}

test("[workspace-story] [workspace-surfaces] reproduce, patch, diff, export, reset, delete: equal results everywhere", async () => {
  using repository = makeRepository();
  const before = repository.git("status", "--short");
  const stories: (readonly StructuredContent[])[] = [];
  for (const open of [openCommandLine, openSdk, (each: typeof home) => openMcp(each, repository.path)]) {
    await using surface = await open(home);
    stories.push(await story(surface, repository.path));
    // Also what was exported into the checkout has no part in the next seed.
    repository.git("clean", "--quiet", "--force", "--", "exported-*");
  }
  const [first = [], ...others] = stories;
  for (const other of others) expect(other).toEqual(first);
  const [created, failed, seen, patched, passed, changed, , , unchanged, again] = first;
  expect(created).toMatchObject({
    state: "running",
    workspace_seed: { mode: "git", origin_kind: "seed_path", origin_ref: repository.path, skipped: [] },
  });
  expect(failed).toMatchObject({ exit_code: 1, stdout: "", stderr: "2 + 3 is -1\n", timed_out: false, sequence: 1 });
  expect(seen).toMatchObject({
    exit_code: 2,
    stdout: "edited, not committed\nuntracked\n M src/part1.txt\n?? new.txt\n",
    stderr: expect.stringContaining("No such file"),
  });
  expect(patched).toMatchObject({ changed: true, files: [{ path: "src/calc.sh" }] });
  expect(passed).toMatchObject({ exit_code: 0, stdout: "passed\n", sequence: 3 });
  expect(changed).toMatchObject({ clean: false, entries: [{ path: "src/calc.sh", status: "modified" }] });
  expect(unchanged).toMatchObject({ clean: true, entries: [], patch: "" });
  expect(again).toMatchObject({ exit_code: 1 });
  repository.apply(String(changed?.["patch"]));
  expect(readFileSync(join(repository.path, "src/calc.sh"), "utf8")).toBe(fixedCalc);
  expect(repository.git("status", "--short")).toBe(` M src/calc.sh\n${before}`);
  expect(existsSync(join(repository.path, "ignored", "secret.txt"))).toBe(true);
});
