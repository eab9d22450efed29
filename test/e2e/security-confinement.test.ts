// Proves on a real workspace that the daemon judges a host path when it opens it: what an MCP server had checked before does not count.

import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { callDaemon } from "../../src/client/call.js";
import { sharedHome } from "./home.js";
import { connectMcp } from "./mcp-client.js";
import { makeRepository } from "./repository.js";

const home = sharedHome();

/** As an MCP server of the project passes a call on, once it has found nothing wrong with the name. */
async function pass(project: string, name: string, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { socket } = JSON.parse(readFileSync(join(home.path, "state", "daemon.json"), "utf8")) as { socket: string };
  return callDaemon(socket, { name, input }, { allowedRoots: [project] });
}

test("[mcp-confined] a folder that became a link after it was checked brings nothing from elsewhere into a machine", async () => {
  using repository = makeRepository();
  const project = repository.path;
  const elsewhere = join(dirname(project), `elsewhere-${process.pid}`);
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "key"), "PRIVATE KEY");
  mkdirSync(join(project, "drop"));
  writeFileSync(join(project, "drop", "key"), "own");
  await using server = await connectMcp(home, { cwd: project });
  const created = await server.call("workspace_create");
  const id = created["workspace_id"];
  const push = { workspace_id: id, source_path: join(project, "drop"), dest: "/workspace/in" };
  try {
    expect(await pass(project, "workspace_sync_push", push)).toMatchObject({ file_count: 1 });
    renameSync(join(project, "drop"), join(project, "kept"));
    symlinkSync(elsewhere, join(project, "drop"));
    const denied = { code: "permission_denied" };
    await expect(pass(project, "workspace_sync_push", push)).rejects.toMatchObject(denied);
    const seed = { seed_path: join(project, "drop"), environment: "debian:12" };
    await expect(pass(project, "workspace_create", seed)).rejects.toMatchObject(denied);
    expect(await server.call("workspace_sync_push", push)).toMatchObject({ error: denied });
    const read = { workspace_id: id, path: "in/key" };
    expect(await server.call("workspace_file_read", read)).toMatchObject({ content: "own" });
  } finally {
    await server.call("workspace_delete", { workspace_id: id });
    rmSync(elsewhere, { recursive: true });
  }
});
