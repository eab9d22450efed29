// Proves that machines start from a saved one, that a broken one is replaced instead of used, and that the pool comes and goes.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";
import { isAlive } from "./processes.js";

const noPool = { settings: { pool_size: 0 } };

test("[template-used] the second machine of an environment is restored, not booted, from the same files", async () => {
  await using home = openHome({ ...noPool, cold: true });
  await expectRestored(home);
  const before = templateFiles(home);
  await expectRestored(home);
  expect(templateFiles(home)).toEqual(before);
});

test("[template-repaired] a template that is cut off, garbled, or without its record is made anew", async () => {
  await using home = openHome(noPool);
  const breakages = [
    (folder: string) => replace(join(folder, "state"), "garbled"),
    (folder: string) => {
      replace(join(folder, "memory"), "");
      truncateSync(join(folder, "memory"), 4096);
    },
    (folder: string) => replace(join(folder, "template.json"), "{"),
  ];
  for (const breakIt of breakages) {
    const [folder = ""] = templateFolders(home);
    breakIt(folder);
    const broken = templateFiles(home);
    await expectRestored(home);
    expect(templateFiles(home)).not.toEqual(broken);
  }
});

test("[template-repaired] a template that looks whole but does not start is given up for a boot, then made anew", async () => {
  await using home = openHome(noPool);
  const [folder = ""] = templateFolders(home);
  // Its record fits: only trying tells.
  replace(join(folder, "state"), "garbled");
  const record: unknown = JSON.parse(readFileSync(join(folder, "template.json"), "utf8"));
  const state_sha256 = createHash("sha256").update("garbled").digest("hex");
  replace(join(folder, "template.json"), JSON.stringify({ ...(record as object), state_sha256 }));
  const first = await home.run(["echo", "works"]);
  expect([first.code, first.stdout.toString()]).toEqual([0, "works\n"]);
  await expectRestored(home);
  await home.emptied();
});

test("[template-repaired] a template with the wrong memory is given up for a boot, then made anew", async () => {
  await using home = openHome(noPool);
  const [folder = ""] = templateFolders(home);
  const { size } = statSync(join(folder, "memory"));
  replace(join(folder, "memory"), "");
  truncateSync(join(folder, "memory"), size);
  const first = await home.run(["echo", "works"]);
  expect([first.code, first.stdout.toString()]).toEqual([0, "works\n"]);
  await expectRestored(home);
  await home.emptied();
});

test("[pool] a machine waits, is claimed by the next run, and another takes its place", async () => {
  await using home = openHome();
  expect((await home.run(["true"])).code).toBe(0);
  const waiting = await pooled(home);
  const started = home.startRun(["sh", "-c", "echo ready; read line"], { stdin: "open" });
  await started.printed("ready");
  const next = await eventually(
    () => home.processes("machine"),
    (machines) => machines.length === 2,
  );
  expect(next.map(({ pid }) => pid)).toContain(waiting);
  started.child.stdin?.end("\n");
  expect((await started.finished).code).toBe(0);
  expect(
    await eventually(
      () => isAlive(waiting),
      (alive) => !alive,
    ),
  ).toBe(false);
});

test("[pool] a waiting machine that dies is not handed out", async () => {
  await using home = openHome();
  expect((await home.run(["true"])).code).toBe(0);
  process.kill(await pooled(home), "SIGKILL");
  const { code, stdout, stderr } = await home.run(["echo", "works"]);
  expect([code, stdout.toString(), stderr]).toEqual([0, "works\n", ""]);
});

test("[pool] [daemon-killed] waiting machines die with the daemon", async () => {
  await using home = openHome();
  expect((await home.run(["true"])).code).toBe(0);
  await pooled(home);
  process.kill(home.processes("daemon")[0]?.pid ?? Number.NaN, "SIGKILL");
  await home.emptied();
  expect((await home.run(["true"])).code).toBe(0);
});

test("[pool-off] with a pool size of 0 no machine waits", async () => {
  await using home = openHome(noPool);
  expect((await home.run(["true"])).code).toBe(0);
  expect([home.machines(), home.processes("machine")]).toEqual([[], []]);
});

/** The process of the one machine that waits, once it does. */
async function pooled(home: Home): Promise<number> {
  await eventually(
    home.status,
    ({ pooled_machines, running_machines }) => pooled_machines === 1 && running_machines === 0,
  );
  const [machine, ...others] = home.processes("machine");
  expect(others).toEqual([]);
  return machine?.pid ?? Number.NaN;
}

/** Runs a command and looks, while it runs, at how its machine was started. */
async function expectRestored(home: Home): Promise<void> {
  const started = home.startRun(["sh", "-c", "echo ready; read line"], { stdin: "open" });
  await started.printed("ready");
  const machines = home.processes("machine").map(({ argv }) => argv.includes("-incoming"));
  expect(machines).toEqual([true]);
  started.child.stdin?.end("\n");
  expect((await started.finished).code).toBe(0);
}

function templateFolders(home: Home): string[] {
  const root = join(home.path, "cache", "templates");
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name));
}

/** Which files there are, by inode: a rewritten one has another. */
function templateFiles(home: Home): Readonly<Record<string, number>> {
  const files = templateFolders(home).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return Object.fromEntries(files.map((path) => [path, statSync(path).ino]));
}

/** The file is shared with other homes: it is replaced, never written to. */
function replace(path: string, content: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, content);
}

test("[pool] a machine waits for the next one although the workspace that came before is gone at once", async () => {
  await using home = openHome();
  const args = ["workspace", "create", "--id-only"];
  for (let round = 0; round < 2; round += 1) {
    const { stdout } = await home.pyro(args);
    await home.pyro(["workspace", "delete", stdout.toString().trim()]);
  }
  const status = await eventually(
    () => home.status(),
    ({ pooled_machines: pooled }) => pooled === 1,
  );
  expect(status).toMatchObject({ pooled_machines: 1, running_machines: 0 });
});
