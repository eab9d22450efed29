// Proves that a model gets a workspace over MCP: the core tools, the user's choices, the time limit, on real machines.

import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { sharedHome } from "./home.js";
import { connectMcp, type McpConnection } from "./mcp-client.js";
import { fix, makeRepository } from "./repository.js";

const home = sharedHome();
const maxResultLength = 60_000;

/** A workspace of the server, which is deleted in the end. */
async function openWorkspace({ call }: McpConnection, args: Readonly<Record<string, unknown>> = {}) {
  const created = await call("workspace_create", args);
  const id = String(created["workspace_id"]);
  return {
    id,
    created,
    call: (name: string, more: Readonly<Record<string, unknown>> = {}) => call(name, { workspace_id: id, ...more }),
    [Symbol.asyncDispose]: async () => {
      await call("workspace_delete", { workspace_id: id });
    },
  };
}

test("[mcp-core] [mcp-project] [mcp-bounded] every core tool does what it says in a workspace of the project", async () => {
  using repository = makeRepository();
  await using server = await connectMcp(home, { cwd: join(repository.path, "src") });
  await using workspace = await openWorkspace(server, { labels: { task: "core" } });
  const { id, created, call } = workspace;
  expect(created).toMatchObject({
    state: "running",
    labels: { task: "core" },
    workspace_seed: { mode: "git", origin_kind: "project_path", origin_ref: repository.path },
  });
  expect(server.client.getInstructions()).toContain(repository.path);

  const name = `core-${id.slice(-6)}`;
  expect(await call("workspace_update", { name, labels: { more: "x" } })).toMatchObject({
    name,
    labels: { task: "core", more: "x" },
  });
  expect(await call("workspace_patch_apply", { patch: fix })).toMatchObject({ changed: true });
  expect(await call("workspace_patch_apply", { patch: fix })).toMatchObject({ changed: false, already_applied: true });
  const wrong = await call("workspace_patch_apply", { patch: fix.replaceAll(/^ .+$/gmu, " no such line") });
  expect(wrong).toMatchObject({ error: { message: expect.stringContaining("src/calc.sh") } });
  expect(await call("workspace_file_write", { path: "made/by/hand.txt", text: "one\ntwo" })).toMatchObject({
    bytes: 7,
  });
  expect(await call("workspace_file_read", { path: "made/by/hand.txt", offset: 2 })).toMatchObject({
    content: "two",
    start_line: 2,
    total_lines: 2,
    total_bytes: 7,
    truncated: false,
  });
  expect(await call("workspace_file_read", { path: "made/by" })).toMatchObject({
    ...{ content: "", start_line: null, truncated: false },
    entries: [{ path: "/workspace/made/by/hand.txt", kind: "file", size: 7 }],
  });
  expect(await call("workspace_file_list", { path: "made", recursive: true })).toMatchObject({
    entries: [
      { path: "/workspace/made/by", kind: "directory" },
      { path: "/workspace/made/by/hand.txt", kind: "file", size: 7 },
    ],
  });
  writeFileSync(join(repository.path, "later.txt"), "later\n");
  mkdirSync(join(repository.path, "pushed"));
  writeFileSync(join(repository.path, "pushed", "later.txt"), "later\n");
  expect(await call("workspace_sync_push", { source_path: "pushed", dest: "/workspace/in" })).toMatchObject({
    file_count: 1,
  });

  const long = await server.client.callTool({
    name: "workspace_exec",
    arguments: { workspace_id: id, command: "cat in/later.txt; seq 1 100000; seq 1 100000 >&2" },
  });
  expect(JSON.stringify(long).length).toBeLessThanOrEqual(maxResultLength);
  expect(long.structuredContent).toMatchObject({ exit_code: 0, stdout_truncated: true, sequence: 1 });
  expect(await call("workspace_logs", { sequence: 1, offset: 0, max_bytes: 8 })).toMatchObject({
    output: "later\n1\n",
  });
  expect(await call("workspace_logs")).toMatchObject({ entries: [{ sequence: 1, exit_code: 0, state: "exited" }] });
  const many = await server.client.callTool({
    name: "workspace_file_list",
    arguments: { workspace_id: id, path: "src" },
  });
  expect(JSON.stringify(many).length).toBeLessThanOrEqual(maxResultLength);

  const diff = await call("workspace_diff", { paths: ["src"] });
  expect(diff).toMatchObject({ clean: false, entries: [{ path: "src/calc.sh" }] });
  expect(await call("workspace_export", { path: "made", output_path: "exported" })).toMatchObject({
    output_path: join(repository.path, "exported"),
    file_count: 1,
  });
  expect(await call("workspace_summary")).toMatchObject({ summary: expect.stringContaining("src/calc.sh") });
  expect(await call("workspace_status")).toMatchObject({ state: "running", engine: "qemu", running_commands: [] });
  const listed = await server.call("workspace_list");
  expect(listed["workspaces"]).toContainEqual(expect.objectContaining({ workspace_id: id, name }));
  expect(await call("workspace_reset")).toMatchObject({ state: "running", name });
  expect(await call("workspace_diff")).toMatchObject({ clean: true });
  expect(await call("workspace_logs")).toMatchObject({ entries: [] });
});

test("[mcp-confined] no path of the host outside the project and the allowed folders is read or written", async () => {
  using repository = makeRepository();
  using other = makeRepository();
  const { path } = repository;
  const outside = join(path, "..", "outside");
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, "key"), "secret\n");
  symlinkSync(outside, join(path, "link"));
  symlinkSync(join(outside, "made"), join(path, "nothing-yet"));
  await using server = await connectMcp(home, { cwd: path, args: ["--allow-host-path", other.path] });
  await using workspace = await openWorkspace(server);
  const denied = { error: { code: "permission_denied" } };
  const hostile = [
    "~/.ssh",
    "/etc",
    "/root/.ssh",
    outside,
    "../outside",
    "link",
    "link/key",
    "src/../link",
    "src/../../outside",
  ];
  const reads = [...hostile.filter((each) => !each.startsWith("~")), ".git", ".git/config", "/proc/self/root/etc"];
  for (const source of reads) {
    const pushed = await workspace.call("workspace_sync_push", { source_path: source });
    expect({ source, ...pushed }).toMatchObject({ source, ...denied });
    const seeded = await server.call("workspace_create", { seed_path: source });
    expect({ source, ...seeded }).toMatchObject({ source, ...denied });
  }
  const writes = [
    "../outside/x",
    "link/x",
    "nothing-yet",
    ".git/hooks/post-commit",
    ".GIT/x",
    "/etc/pyro-test",
    "link/../x/../../outside/y",
  ];
  for (const output of writes) {
    const exported = await workspace.call("workspace_export", { path: "src/calc.sh", output_path: output });
    expect([output, Object(exported["error"]).code]).toEqual([
      output,
      expect.stringMatching(/permission_denied|already_exists/u),
    ]);
  }
  const kept = await workspace.call("workspace_export", { path: ".", output_path: "whole" });
  expect([existsSync(join(path, "whole", "src")), existsSync(join(path, "whole", ".git")), kept["skipped"]]).toEqual([
    true,
    false,
    [
      { path: ".git", reason: expect.any(String) },
      ...["link", "nothing-yet"].map((path) => ({ path, reason: "a link that leads out of the export" })),
    ],
  ]);
  const refused = await workspace.call("workspace_export", { path: ".git", output_path: "git" });
  expect(refused).toMatchObject({ error: { code: "permission_denied", hint: expect.stringContaining("git bundle") } });
  expect([existsSync(join(outside, "x")), existsSync(join(outside, "made")), existsSync("/etc/pyro-test")]).toEqual([
    false,
    false,
    false,
  ]);
  const allowed = await workspace.call("workspace_export", {
    path: "src/calc.sh",
    output_path: join(other.path, "out.sh"),
  });
  expect(allowed).toMatchObject({ file_count: 1 });
  const hint = Object((await workspace.call("workspace_sync_push", { source_path: "/etc" }))["error"]).hint;
  expect(hint).toContain("--allow-host-path");
});

test("[mcp-project] the user's choices decide what a workspace starts from; without a checkout it is empty", async () => {
  using repository = makeRepository();
  const seeds = [
    { args: [], cwd: "/", seed: { mode: "empty", origin_kind: "none" } },
    { args: ["--no-project-source"], cwd: repository.path, seed: { mode: "empty", origin_kind: "none" } },
    // A folder of a checkout is read by the checkout's rules, so that the server has to be allowed to read that.
    {
      args: ["--project-path", "src", "--allow-host-path", "."],
      cwd: repository.path,
      seed: { mode: "directory", origin_kind: "project_path" },
    },
    {
      args: ["--repo-url", `file://${repository.path}`, "--repo-ref", "main"],
      cwd: "/",
      seed: { mode: "git", origin_kind: "repo_url" },
    },
  ];
  for (const { args, cwd, seed } of seeds) {
    await using server = await connectMcp(home, { args: [...args, "--environment", "debian:12"], cwd });
    await using workspace = await openWorkspace(server);
    expect({ args, ...workspace.created }).toMatchObject({ args, state: "running", workspace_seed: seed });
  }
  await using part = await connectMcp(home, { args: ["--project-path", "src"], cwd: repository.path });
  expect(await part.call("workspace_create")).toMatchObject({
    error: { message: expect.stringContaining("part of a checkout that was not named") },
  });
  await using server = await connectMcp(home, { args: ["--environment", "nope:1"] });
  const { tools } = await server.client.listTools();
  const create = tools.find(({ name }) => name === "workspace_create");
  expect(create?.inputSchema.properties?.["environment"]).toMatchObject({ default: "nope:1" });
  expect(await server.call("workspace_create")).toMatchObject({ error: { code: "not_found" } });
});

test("[mcp-modes] a mode offers its own tools, and what it does not offer cannot be called", async () => {
  await using server = await connectMcp(home, { args: ["--mode", "inspect"] });
  const { tools } = await server.client.listTools();
  const names = tools.map(({ name }) => name);
  expect([names.includes("workspace_exec"), names.includes("workspace_patch_apply"), names.includes("vm_run")]).toEqual(
    [true, false, false],
  );
  const call = server.client.callTool({ name: "workspace_patch_apply", arguments: {} });
  await expect(call).rejects.toThrow("There is no tool workspace_patch_apply.");
});

// Together with the next one: it waits for what a call may take, and does nothing meanwhile.
test.concurrent("[mcp-in-time] a command longer than a call goes on, and can be waited for", async () => {
  await using server = await connectMcp(home);
  await using workspace = await openWorkspace(server);
  // Ends when it is told to: that the call answers before is all that counts.
  const command = "mkfifo /tmp/end; echo begun; read _ </tmp/end; echo over";
  const first = await workspace.call("workspace_exec", { command, timeout_seconds: 3600 });
  expect(first).toMatchObject({ state: "running", exit_code: null, stdout: "begun\n", sequence: 1 });
  await workspace.call("workspace_exec", { command: "echo >/tmp/end" });
  const then = await workspace.call("workspace_wait", { sequence: 1 });
  expect(then).toMatchObject({ state: "exited", exit_code: 0, stdout: "begun\nover\n" });
});

test.concurrent("[mcp-core] a command that ends while somebody looks is never called lost", async () => {
  await using server = await connectMcp(home);
  await using workspace = await openWorkspace(server);
  const states = new Set<unknown>();
  const enough = new AbortController();
  const look = async () => {
    while (!enough.signal.aborted) {
      const { entries } = await workspace.call("workspace_logs");
      for (const { state } of entries as readonly { readonly state: string }[]) states.add(state);
    }
  };
  /** The end of a command, however many waits it takes. */
  const ended = async (command: string) => {
    let result = await workspace.call("workspace_exec", { command, timeout_seconds: 3600 });
    const { sequence } = result;
    // Asked at least once more: what has ended is told of by another way.
    do result = await workspace.call("workspace_wait", { sequence });
    while (result["state"] === "running");
    return [result["state"], result["exit_code"]];
  };
  const looking = [look(), look(), look()];
  // Runs until it was seen to run, which the others may be too short for.
  const seen = ended("mkfifo /tmp/end; read _ </tmp/end");
  await eventually(
    () => states.has("running"),
    (isSeen) => isSeen,
  );
  expect(await ended("until [ -p /tmp/end ]; do sleep 0.1; done; echo >/tmp/end")).toEqual(["exited", 0]);
  const over = [await seen];
  for (let round = 0; round < 20; round += 1) over.push(...(await Promise.all([ended("true"), ended("true")])));
  expect(over).toEqual(over.map(() => ["exited", 0]));
  enough.abort();
  await Promise.all(looking);
  expect(states).toEqual(new Set(["running", "exited"]));
});

test("[mcp-cancel] canceling an exec kills its command; canceling a wait does not", async () => {
  await using server = await connectMcp(home);
  await using workspace = await openWorkspace(server);
  const commands = async () => {
    const { entries } = await workspace.call("workspace_logs");
    return (entries as readonly Record<string, unknown>[]).map(({ state, canceled }) => ({ state, canceled }));
  };
  const cancel = new AbortController();
  const call = server.client.callTool(
    { name: "workspace_exec", arguments: { workspace_id: workspace.id, command: "sleep 3000", timeout_seconds: 3600 } },
    { signal: cancel.signal },
  );
  await eventually(commands, ([one]) => one?.state === "running");
  cancel.abort();
  await expect(call).rejects.toThrow("abort");
  const killed = [{ state: "exited", canceled: true }];
  expect(await eventually(commands, ([one]) => one?.state !== "running")).toEqual(killed);
  const shown = async (what: string) => (await home.pyro(["workspace", what, workspace.id])).stdout.toString();
  expect(await shown("logs")).toMatch(/^ +1 +canceled +\d+ ms +sleep 3000\n$/u);
  expect(await shown("summary")).toContain("exited with 137, canceled after");

  const detached = await home.pyro([
    "workspace",
    "exec",
    workspace.id,
    "--detach",
    "--timeout-seconds",
    "3600",
    "--",
    "sleep",
    "3000",
  ]);
  const leave = new AbortController();
  const wait = server.client.callTool(
    { name: "workspace_wait", arguments: { workspace_id: workspace.id, sequence: Number(detached.stdout.toString()) } },
    { signal: leave.signal, onprogress: () => leave.abort() },
  );
  await expect(wait).rejects.toThrow("abort");
  expect(await commands()).toEqual([...killed, { state: "running", canceled: false }]);
});
