// Proves the recipe docs/use-cases/untrusted-inspection.md: a hostile checkout is looked at and run, and nothing of it reaches the host.

import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { modeShapes } from "../../../src/surface/mcp/modes.js";
import { sharedHome } from "../home.js";
import { connectMcp } from "../mcp-client.js";
import { makeHostileProject, oddNames, token } from "./hostile-project.js";
import { createWorkspace } from "./workspace.js";

const home = sharedHome();
const refused = { error: { code: "permission_denied" } };

test("[use-case-inspection] a hostile checkout is read and run in a machine; the host keeps its files, its secrets and its peace", async () => {
  using project = makeHostileProject();
  const before = project.digest();
  await using server = await connectMcp(home, { args: ["--mode", "inspect"], cwd: project.path });
  const { tools } = await server.client.listTools();
  expect(tools.map(({ name }) => name).toSorted()).toEqual(modeShapes.inspect.tools.toSorted());
  for (const name of [
    "workspace_patch_apply",
    "workspace_file_write",
    "workspace_sync_push",
    "workspace_diff",
    "vm_run",
  ]) {
    await expect(server.call(name)).rejects.toThrow(`There is no tool ${name}.`);
  }
  for (const seed_path of [join(homedir(), ".ssh"), "/etc", "outside", "up", "passwd", ".git"]) {
    expect([seed_path, await server.call("workspace_create", { seed_path })]).toMatchObject([seed_path, refused]);
  }

  await using workspace = await createWorkspace(server);
  const { call, exec } = workspace;
  expect(workspace.created).toMatchObject({
    state: "running",
    network_policy: "off",
    workspace_seed: {
      mode: "git",
      skipped: [
        { path: "pipe", reason: expect.any(String) },
        { path: ".git/config", reason: expect.stringContaining("of its filters evil none is required inside") },
      ],
    },
  });
  const listed = await call("workspace_file_list");
  const names = (listed["entries"] as readonly { path: string }[]).map(({ path }) => path.replace("/workspace/", ""));
  expect(names).toEqual(expect.arrayContaining([...oddNames, "AGENTS.md", "huge.bin", "outside", "passwd"]));
  expect(await call("workspace_file_read", { path: "install.sh" })).toMatchObject({
    content: expect.stringContaining("attacker.example"),
  });
  expect(await call("workspace_file_read", { path: "passwd" })).toMatchObject({ error: { code: expect.any(String) } });

  const git = await exec(
    "git status --short; cat .git/config; ls .git/hooks; cat passwd | grep -vc :/usr/sbin/nologin",
  );
  expect(JSON.stringify(git)).not.toContain(token);
  const ran = await exec("sh install.sh; ls -d ../../../..; cat outside/* 2>&1", { cwd: "/workspace" });
  expect(ran).toMatchObject({
    stdout: expect.stringContaining("installed\n"),
    stderr: expect.stringContaining("curl: (6)"),
  });
  const network = await exec(
    "ls /sys/class/net; ip route 2>/dev/null; cat /proc/net/route | wc -l; curl -sS -m 5 http://127.0.0.1:22",
  );
  expect(network).toMatchObject({ exit_code: 7, stdout: "lo\n1\n" });
  const rooted = await exec("touch /etc/owned /usr/owned ../owned up/owned && id -u");
  expect(rooted).toMatchObject({ exit_code: 0, stdout: "0\n" });

  expect(await exec("printf '# Findings\\n- install.sh pipes curl into sh\\n' > report.md")).toMatchObject({
    exit_code: 0,
  });
  const elsewhere = [
    join(homedir(), ".bashrc"),
    "../report.md",
    "outside/report.md",
    "up/report.md",
    ".git/hooks/pre-push",
  ];
  for (const output_path of elsewhere) {
    const answer = await call("workspace_export", { path: "install.sh", output_path });
    expect([output_path, answer]).toMatchObject([
      output_path,
      { error: { code: expect.stringMatching(/permission_denied|already_exists/u) } },
    ]);
  }
  const taken = await call("workspace_export", { path: "report.md", output_path: "Makefile" });
  expect(taken).toMatchObject({ error: { code: "already_exists" } });
  expect([project.digest(), project.ran(), readdirSync(project.outside)]).toEqual([before, false, []]);

  const exported = await call("workspace_export", { path: "report.md", output_path: "report.md" });
  expect(exported).toMatchObject({ output_path: join(project.path, "report.md"), file_count: 1 });
  expect(readFileSync(join(project.path, "report.md"), "utf8")).toBe("# Findings\n- install.sh pipes curl into sh\n");
  expect(await call("workspace_delete")).toEqual({ workspace_id: workspace.id, deleted: true });
  rmSync(join(project.path, "report.md"));
  expect([project.digest(), project.ran(), existsSync("/etc/owned")]).toEqual([before, false, false]);
  // The traps are live: the same checkout harms a host that only asks for its status.
  project.git(["status"]);
  expect(project.ran()).toBe(true);
});
