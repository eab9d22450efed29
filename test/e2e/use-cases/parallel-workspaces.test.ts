// Proves the recipe docs/use-cases/parallel-workspaces.md: attempts at one problem run side by side, one is wrecked, the best is kept.

import { expect, test } from "vitest";
import { sharedHome } from "../home.js";
import { connectMcp } from "../mcp-client.js";
import { failure, fix, makeProject, testCommand } from "./project.js";
import { createWorkspace, type ModelWorkspace } from "./workspace.js";

const home = sharedHome();

/** Passes the project's test, and no other title with two blanks in it. */
const narrowFix = fix.replace(
  "tr 'A-Z' 'a-z' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//'",
  "tr 'A-Z ' 'a-z-' | sed 's/^--//; s/--/-/; s/-$//'",
);
/** What the project's test leaves out. */
const harder = ". src/slug.sh; slug '  C++ & Rust:  a  b  '";
const memoryHog = `python3 -c "list = [b'x' * 2**26 for _ in range(64)]"`;
const attempts = ["narrow", "broad", "reckless"] as const;

test("[use-case-parallel] three attempts from one checkout do not disturb each other, also when one wrecks its machine", async () => {
  using project = makeProject();
  await using server = await connectMcp(home, { cwd: project.path });
  const created = await Promise.all(
    attempts.map((attempt) =>
      createWorkspace(server, { name: `slug-${attempt}`, labels: { task: "attempts", attempt } }),
    ),
  );
  const [narrow, broad, reckless] = created as [ModelWorkspace, ModelWorkspace, ModelWorkspace];
  await using _narrow = narrow;
  await using _broad = broad;
  await using _reckless = reckless;
  const { workspaces } = await server.call("workspace_list");
  const listed = (workspaces as readonly Record<string, unknown>[])
    .filter(({ labels }) => Object(labels).task === "attempts")
    .map(({ name, labels, state }) => `${String(name)} ${String(Object(labels).attempt)} ${String(state)}`);
  expect(listed.toSorted()).toEqual(attempts.map((each) => `slug-${each} ${each} running`).toSorted());

  const everywhere = (command: string) => Promise.all(created.map((each) => each.exec(command)));
  const own = await everywhere("hostname > /tmp/own; (exec -a only-$(hostname) sleep 600) & cat /tmp/own");
  expect(own.map(({ stdout }) => stdout)).toEqual(attempts.map((each) => `slug-${each}\n`));
  const seen = await everywhere("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -a ^only-; ls /tmp/own");
  expect(seen.map(({ stdout }) => stdout)).toEqual(attempts.map((each) => `only-slug-${each}\n/tmp/own\n`));

  const [patchedNarrow, patchedBroad, flooded] = await Promise.all([
    narrow.call("workspace_patch_apply", { patch: narrowFix }),
    broad.call("workspace_patch_apply", { patch: fix }),
    reckless.exec(memoryHog),
  ]);
  expect([patchedNarrow, patchedBroad]).toMatchObject([{ changed: true }, { changed: true }]);
  expect(flooded).toMatchObject({ oom_killed: true, exit_code: 137 });
  const bomb = "bomb() { bomb | bomb & }; bomb; sleep 600";
  const [bombed, ...passed] = await Promise.all([
    reckless.exec(bomb, { timeout_seconds: 3 }),
    narrow.exec(testCommand),
    broad.exec(testCommand),
  ]);
  expect(bombed).toMatchObject({ timed_out: true, exit_code: 124 });
  expect(passed).toMatchObject([{ exit_code: 0 }, { exit_code: 0 }]);
  expect(await reckless.exec("rm -rf /usr; echo over")).toMatchObject({ stdout: "over\n" });
  expect(await reckless.exec(testCommand)).toMatchObject({ exit_code: expect.not.toSatisfy((code) => code === 0) });

  const results = await Promise.all([narrow.exec(harder), broad.exec(harder)]);
  expect(results.map(({ stdout }) => stdout)).toEqual(["c++-&-rust:-a--b-", "c-rust-a-b"]);
  const diffs = await Promise.all([narrow, broad].map((each) => each.call("workspace_diff")));
  expect(diffs).toMatchObject([{ entries: [{ path: "src/slug.sh" }] }, { entries: [{ path: "src/slug.sh" }] }]);
  expect(diffs[0]?.["patch"]).not.toBe(diffs[1]?.["patch"]);
  expect(await reckless.call("workspace_reset")).toMatchObject({ state: "running", name: "slug-reckless" });
  expect(await reckless.exec(testCommand)).toMatchObject({ exit_code: 1, stderr: failure });

  expect(project.git(["status", "--short"])).toBe("");
  project.git(["apply", "-"], String(diffs[1]?.["patch"]));
  expect(project.test()).toEqual({ code: 0, stderr: "" });
  for (const each of created) {
    expect(await each.call("workspace_delete")).toEqual({ workspace_id: each.id, deleted: true });
  }
});
