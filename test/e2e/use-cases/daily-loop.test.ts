// Proves the recipe docs/use-cases/daily-loop.md: one day with a workspace, from a warm start to a stopped daemon with nothing left.

import { expect, test } from "vitest";
import { eventually } from "../eventually.js";
import { openHome, type Home } from "../home.js";
import { connectMcp } from "../mcp-client.js";
import { fix, makeProject, testCommand } from "./project.js";
import { createWorkspace } from "./workspace.js";

test("[use-case-daily] prepared once, a workspace is made, used, kept up to date, put to sleep, woken, reset and deleted", async () => {
  await using home = openHome();
  using project = makeProject();
  expect(await json(home, ["prepare"])).toMatchObject({ proved: ["create", "exec", "reset", "delete"] });
  expect(await json(home, ["prepare"])).toMatchObject({ was: "warm", changed: false });
  expect(await json(home, ["doctor", "--environment", "debian:12"])).toMatchObject({ ok: true, start: "warm" });

  await using server = await connectMcp(home, { cwd: project.path });
  await using workspace = await createWorkspace(server, { name: "today", ttl_seconds: 20 });
  const { id, call, exec } = workspace;
  expect(workspace.created).toMatchObject({ state: "running", workspace_seed: { origin_ref: project.path } });
  expect(await exec(testCommand)).toMatchObject({ exit_code: 1 });
  expect(await call("workspace_patch_apply", { patch: fix })).toMatchObject({ changed: true });
  expect(await call("workspace_file_write", { path: "docs/slug.md", text: "# slug\n" })).toMatchObject({ bytes: 7 });

  project.write("test/more/titles.txt", "Hello World\n");
  const pushed = await call("workspace_sync_push", { source_path: "test/more", dest: "/workspace/test/more" });
  expect(pushed).toMatchObject({ file_count: 1 });
  expect(await exec(`${testCommand} && cat test/more/titles.txt`)).toMatchObject({
    exit_code: 0,
    stdout: "Hello World\n",
  });
  const changed = await call("workspace_diff");
  const paths = (changed["entries"] as readonly { path: string }[]).map(({ path }) => path);
  expect(paths).toEqual(["docs/slug.md", "src/slug.sh", "test/more/titles.txt"]);

  const build = ["sh", "-c", "mkfifo /tmp/end; for i in 1 2 3 4 5 6; do echo step $i; done; read _ </tmp/end"];
  const detached = await home.pyro([
    "workspace",
    "exec",
    "today",
    "--detach",
    "--timeout-seconds",
    "3600",
    "--",
    ...build,
  ]);
  const sequence = Number(detached.stdout.toString());
  expect(await call("workspace_wait", { sequence, wait_seconds: 1 })).toMatchObject({
    state: "running",
    exit_code: null,
  });
  expect(await call("workspace_status")).toMatchObject({ running_commands: [sequence] });
  await exec("until [ -p /tmp/end ]; do sleep 0.1; done; echo >/tmp/end");
  expect(await call("workspace_wait", { sequence })).toMatchObject({
    state: "exited",
    exit_code: 0,
    stdout: [1, 2, 3, 4, 5, 6].map((step) => `step ${step}\n`).join(""),
  });
  const { summary } = await call("workspace_summary");
  expect(String(summary)).toMatch(/sh test\/slug\.sh[^]*src\/slug\.sh/u);

  const asleep = await eventually(
    () => call("workspace_status"),
    ({ state }) => state === "stopped",
  );
  expect(asleep).toMatchObject({ state: "stopped", memory_bytes: 0, deletes_at: expect.any(String) });
  expect(await exec("cat docs/slug.md")).toMatchObject({ exit_code: 0, stdout: "# slug\n", restarted: true });
  expect(await call("workspace_diff")).toMatchObject({ restarted: false, entries: changed["entries"] });

  expect(await call("workspace_reset")).toMatchObject({ state: "running", name: "today" });
  expect(await call("workspace_diff")).toMatchObject({ clean: true });
  expect(await call("workspace_delete")).toEqual({ workspace_id: id, deleted: true });
  expect(project.git(["status", "--short"])).toBe("?? test/more/\n");
  expect(await json(home, ["daemon", "stop"])).toEqual({ stopped: true });
  expect(
    await eventually(
      () => home.processes(),
      ({ length }) => length === 1,
    ),
  ).toMatchObject([{ kind: "other" }]);
});

async function json(home: Home, args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await home.pyro([...args, "--json"]);
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return JSON.parse(stdout.toString());
}
