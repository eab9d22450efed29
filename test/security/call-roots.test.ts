// Proves that the folders an MCP server may use travel with every call, and that the daemon judges each host path by them itself.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { Client } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PyroError } from "../../src/base/error.js";
import type { AllowedRoots } from "../../src/base/host-roots.js";
import { callDaemon } from "../../src/client/call.js";
import { callLine } from "../../src/daemon/protocol.js";
import { listen, type DaemonServer } from "../../src/daemon/server.js";
import { operations } from "../../src/operations/table.js";
import type { Operation } from "../../src/operations/operation.js";
import { scopeOf } from "../../src/surface/mcp/choices.js";
import { createServer } from "../../src/surface/mcp/server.js";
import { mcpShapeOf } from "../../src/surface/mcp/tools.js";
import { openSeeds } from "../../src/tree/seed/seeds.js";
import { fakeDaemon } from "../unit/surface/fake-daemon.js";

let home: string;
let project: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "pyro-call-roots-")));
  project = join(home, "project");
  for (const folder of [project, join(home, "outside")]) mkdirSync(folder);
  writeFileSync(join(home, "outside/secret"), "x");
  symlinkSync(join(home, "outside"), join(project, "out"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** The operations of a model that name paths of the host; a new one needs a test that it opens them within the roots. */
test("these and no other fields of MCP tools name a path of the host", () => {
  const named = operations.flatMap((each) => {
    const fields = "mcp" in each && "hostPaths" in each ? Object.keys(each.hostPaths) : [];
    return fields.map((field) => `${each.name}.${field}`);
  });
  // project_path is the user's own choice, and judged like the others; allow_host_paths is no model's to give.
  expect(named.sort()).toEqual([
    "workspace_create.allow_host_paths",
    "workspace_create.project_path",
    "workspace_create.seed_path",
    "workspace_export.output_path",
    "workspace_sync_push.allow_host_paths",
    "workspace_sync_push.source_path",
  ]);
  const table: readonly Operation[] = operations;
  const offered = table.flatMap((each) => Object.keys(mcpShapeOf(each)?.input.shape ?? {}));
  expect(offered).toContain("seed_path");
  expect(offered.filter((field) => field === "allow_host_paths" || field === "project_path")).toEqual([]);
});

test("every tool call carries the server's folders, as they were without links when it started", async () => {
  const seen: (readonly string[] | undefined)[] = [];
  const daemon = fakeDaemon((_call, { allowedRoots }) => {
    seen.push(allowedRoots);
    throw new PyroError("unsupported", "for the test");
  });
  symlinkSync(project, join(home, "alias"));
  const later = join(project, "later");
  const choices = { projectPath: join(home, "alias"), allowHostPaths: [later] };
  const [theirs, ours] = InMemoryTransport.createLinkedPair();
  await createServer({ ...choices, profile: "workspace-core", connector: daemon.connector }).connect(ours);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(theirs);
  // A folder that was allowed before it was there does not become one that leads elsewhere.
  symlinkSync(join(home, "outside"), later);
  await client.callTool({ name: "workspace_list", arguments: {} });
  await client.callTool({ name: "workspace_create", arguments: { environment: "debian:12" } });
  const push = { workspace_id: "ws_0123456789ab", source_path: join(later, "secret") };
  const refused = await client.callTool({ name: "workspace_sync_push", arguments: push });
  expect(seen).toEqual([
    [project, later],
    [project, later],
  ]);
  expect(refused.structuredContent).toMatchObject({ error: { code: "permission_denied" } });
  expect(scopeOf({ noProjectSource: true }, home).allowed.folders).toEqual([]);
  await client.close();
});

test("a call's folders reach its handler, and a line with any that is no absolute path is not of the protocol", async () => {
  const seen: AllowedRoots[] = [];
  const note = (_input: unknown, { allowedRoots }: { readonly allowedRoots?: AllowedRoots }) => {
    seen.push(allowedRoots);
    return Promise.reject(new PyroError("unsupported", "for the test"));
  };
  const parts = { workspaces: { create: note, export: note, pushSync: note } } as never;
  const socketPath = join(home, "daemon.sock");
  const server: DaemonServer = await listen({
    ...{ socketPath, parts },
    ...{ onActivity: () => undefined, onHandOver: () => undefined, isRecorded: () => Promise.resolve(false) },
  });
  const calls = [
    { name: "workspace_create", input: { seed_path: project } },
    { name: "workspace_export", input: { workspace_id: "w", path: "a", output_path: join(project, "a") } },
    { name: "workspace_sync_push", input: { workspace_id: "w", source_path: project } },
  ];
  for (const call of calls) {
    for (const allowedRoots of [[project, "/other"], [], undefined]) {
      const options = allowedRoots === undefined ? {} : { allowedRoots };
      await expect(callDaemon(socketPath, call, options)).rejects.toMatchObject({ code: "unsupported" });
    }
  }
  await server.close();
  expect(seen).toEqual(calls.flatMap(() => [[project, "/other"], [], undefined]));
  const isLine = (allowed_roots: unknown) => callLine.safeParse({ input: {}, allowed_roots }).success;
  expect([["/a"], [], ["a"], [""], ["/a\0b"], "/a", [1]].map(isLine)).toEqual([
    ...[true, true, false, false, false, false, false],
  ]);
});

test("what leads elsewhere by the time it is opened is refused, whatever was checked before", async () => {
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories") });
  const task = { signal: new AbortController().signal, progress: () => undefined };
  const roots = { sshAgent: undefined, allowedRoots: [project] };
  for (const path of [join(project, "out"), join(project, "out/secret"), join(home, "outside"), home, "/"]) {
    const denied = { code: "permission_denied" };
    await expect(seeds.prepare({ ...roots, seed_path: path }, task)).rejects.toMatchObject(denied);
    await expect(seeds.prepare({ ...roots, project_path: path }, task)).rejects.toMatchObject(denied);
    await expect(seeds.openTree({ path, allowedRoots: [project] }, task)).rejects.toMatchObject(denied);
  }
});
