// Proves that what a user includes is there from the start and stays, and where a pushed folder goes.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sharedHome } from "./home.js";
import { connectMcp } from "./mcp-client.js";
import { makeRepository } from "./repository.js";

const home = sharedHome();

async function text(words: readonly string[], code = 0): Promise<string> {
  const done = await home.pyro(["workspace", ...words]);
  expect([words.join(" "), done.code, done.stderr]).toEqual([words.join(" "), code, expect.any(String)]);
  return done.stdout.toString();
}

/** Whose node_modules Git ignores. */
function makeProject() {
  const repository = makeRepository();
  writeFileSync(join(repository.path, ".gitignore"), "ignored/\nnode_modules\n");
  mkdirSync(join(repository.path, "node_modules/dep"), { recursive: true });
  writeFileSync(join(repository.path, "node_modules/dep/index.txt"), "dependency\n");
  return repository;
}

test("[workspace-include] an ignored folder that is included is there, in no diff, and there again after a reset", async () => {
  using repository = makeProject();
  const created = ["create", "--id-only", "--seed-path", repository.path, "--include", "node_modules"];
  const id = (await text(created)).trim();
  const seen = ["exec", id, "--", "sh", "-c", "cat node_modules/dep/index.txt; test ! -e ignored/secret.txt"];
  expect(await text(seen)).toBe("dependency\n");
  expect(await text(["diff", id, "--include-ignored"])).toBe("");
  await text(["exec", id, "--", "sh", "-c", "rm -r node_modules; mkdir node_modules; echo own > node_modules/own"]);
  expect(JSON.parse(await text(["diff", id, "--json"]))).toMatchObject({ clean: false });
  await text(["reset", id]);
  expect(await text(seen)).toBe("dependency\n");
  expect(await text(["diff", id, "--include-ignored"])).toBe("");
  await text(["delete", id]);
  const missing = await home.pyro(["workspace", ...created, "--include", "no-such"]);
  expect([missing.code, missing.stderr]).toEqual([64, expect.stringContaining("include: no-such does not exist in ")]);
});

test("[workspace-include] a server that was told so includes it in what a model creates", async () => {
  using repository = makeProject();
  await using server = await connectMcp(home, { cwd: repository.path, args: ["--include", "node_modules"] });
  const created = await server.call("workspace_create");
  const id = created["workspace_id"];
  const command = "cat node_modules/dep/index.txt";
  expect(await server.call("workspace_exec", { workspace_id: id, command })).toMatchObject({ stdout: "dependency\n" });
  const asked = await server.call("workspace_create", { include: ["ignored"] });
  expect(asked).toMatchObject({ error: { code: "invalid_argument" } });
  await server.call("workspace_delete", { workspace_id: id });
});

test("[workspace-include] a pushed folder goes in under its own name, the source over /workspace, and with dest right there", async () => {
  using repository = makeProject();
  const id = (await text(["create", "--id-only", "--seed-path", repository.path])).trim();
  const push = async (...words: readonly string[]) =>
    Object(JSON.parse(await text(["sync", "push", id, ...words, "--json"]))) as { dest: string };
  const folder = join(repository.path, "node_modules");
  for (let time = 0; time < 2; time += 1) {
    expect(await push(folder)).toMatchObject({ file_count: 1, dest: "/workspace/node_modules" });
    expect(await push(folder, "--dest", "/workspace/deep/down")).toMatchObject({ dest: "/workspace/deep/down" });
  }
  writeFileSync(join(repository.path, "later.txt"), "later\n");
  expect(await push(repository.path)).toMatchObject({ dest: "/workspace" });
  const list = "find node_modules deep -type f | sort; cat later.txt; ls dep 2>&1";
  expect(await text(["exec", id, "--", "sh", "-c", `${list}; true`])).toMatch(
    /^deep\/down\/dep\/index.txt\nnode_modules\/dep\/index.txt\nlater\n.*No such file/u,
  );
  for (const words of [[join(repository.path, ".git")], [folder, "--dest", "/workspace/.git/hooks"]]) {
    const refused = await home.pyro(["workspace", "sync", "push", id, ...words]);
    expect(refused.stderr).toContain("is inside a .git folder, which no push changes");
  }
  await text(["delete", id]);
});
