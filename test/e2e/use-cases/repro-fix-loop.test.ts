// Proves the recipe docs/use-cases/repro-fix-loop.md: a failure is reproduced, fixed and handed over, and the checkout stays as it is until then.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sharedHome } from "../home.js";
import { connectMcp } from "../mcp-client.js";
import { failure, fix, makeProject, testCommand } from "./project.js";
import { createWorkspace } from "./workspace.js";

const home = sharedHome();

test("[use-case-repro-fix] a failing test is reproduced, fixed, diffed, exported and reset; only the diff changes the checkout", async () => {
  using project = makeProject();
  const before = project.digest();
  await using server = await connectMcp(home, { args: ["--mode", "repro-fix"], cwd: join(project.path, "src") });
  await using workspace = await createWorkspace(server, { name: "slug-fix", labels: { task: "slug" } });
  const { call, exec } = workspace;
  expect(workspace.created).toMatchObject({
    state: "running",
    workspace_seed: { mode: "git", origin_ref: project.path, file_count: expect.any(Number), skipped: [] },
  });

  expect(await exec(testCommand)).toMatchObject({ exit_code: 1, stderr: failure });
  const missed = await call("workspace_patch_apply", { patch: fix.replace("tr 'A-Z ' 'a-z-'", "tr A-Z a-z") });
  expect(missed).toMatchObject({ error: { message: expect.stringContaining("src/slug.sh") } });
  expect(await call("workspace_patch_apply", { patch: fix })).toMatchObject({ files: [{ path: "src/slug.sh" }] });
  expect(await exec(testCommand)).toMatchObject({ exit_code: 0, stderr: "" });
  const diff = await call("workspace_diff");
  expect(diff).toMatchObject({ clean: false, entries: [{ path: "src/slug.sh", status: "modified" }] });
  const report = "sh -x test/slug.sh > report.txt 2>&1; echo exit code $? >> report.txt";
  expect(await exec(report)).toMatchObject({ exit_code: 0 });
  expect([project.digest(), project.test()]).toEqual([before, { code: 1, stderr: failure }]);

  const exported = await call("workspace_export", { path: "report.txt", output_path: "report.txt" });
  expect(exported).toMatchObject({ output_path: join(project.path, "report.txt"), file_count: 1 });
  expect(readFileSync(join(project.path, "report.txt"), "utf8")).toMatch(/^\+ [^]*\nexit code 0\n$/u);
  project.git(["apply", "-"], String(diff["patch"]));
  expect(project.git(["status", "--short"])).toBe(" M src/slug.sh\n?? report.txt\n");
  expect(project.git(["-c", "core.abbrev=10", "diff", "--", "src"])).toBe(diff["patch"]);
  expect(project.test()).toEqual({ code: 0, stderr: "" });

  expect(await call("workspace_summary")).toMatchObject({ summary: expect.stringContaining("src/slug.sh") });
  expect(await call("workspace_reset")).toMatchObject({ state: "running", name: "slug-fix", labels: { task: "slug" } });
  expect(await call("workspace_diff")).toMatchObject({ clean: true, entries: [] });
  expect(await exec(testCommand)).toMatchObject({ exit_code: 1, stderr: failure });
  expect(await call("workspace_delete")).toEqual({ workspace_id: workspace.id, deleted: true });
  const gone = await call("workspace_status");
  expect(gone).toMatchObject({ error: { code: "not_found" } });
});
