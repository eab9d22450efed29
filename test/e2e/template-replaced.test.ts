// Proves that templates come and go under those who start from them, without a failure and without a trace.

import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";

const noPool = { settings: { pool_size: 0 } };
const timeoutMs = 1_800_000;

test(
  "[template-replaced] runs and workspaces start beside `prepare --force`, again and again",
  async () => {
    await using home = openHome();
    const prepared = new AbortController();
    const prepare = async () => {
      const codes: (number | null)[] = [];
      for (let round = 0; round < 3; round += 1) codes.push((await home.pyro(["prepare", "--force"])).code);
      prepared.abort();
      return codes;
    };
    const starting = async (startOne: () => Promise<unknown>) => {
      const results: unknown[] = [];
      while (!prepared.signal.aborted) results.push(await startOne());
      return results;
    };
    const [codes, runs, workspaces] = await Promise.all([
      prepare(),
      starting(() => runOnce(home)),
      starting(() => useWorkspace(home)),
    ]);
    expect(codes).toEqual([0, 0, 0]);
    expect(runs).toEqual(runs.map(() => worked));
    expect(workspaces).toEqual(workspaces.map(() => [0, worked, 0]));
    expect([runs.length > 0, workspaces.length > 0]).toEqual([true, true]);
    expect(templates(home)).toHaveLength(1);
  },
  timeoutMs,
);

test(
  "[template-replaced] a template that another process removes while a machine starts from it",
  async () => {
    await using home = openHome(noPool);
    for (let round = 0; round < 4; round += 1) {
      const running = runOnce(home);
      const machines = await eventually(
        () => home.machines(),
        (names) => names.some((name) => name.startsWith("vm")),
      );
      expect(machines).not.toEqual([]);
      for (const name of templates(home).filter((each) => !each.endsWith(".new"))) remove(home, name);
      expect([round, await running]).toEqual([round, worked]);
      // The next one finds, or makes, one that works.
      expect([round, await runOnce(home)]).toEqual([round, worked]);
    }
    await home.emptied();
  },
  timeoutMs,
);

test(
  "[template-replaced] [crash-while-starting] kill -9 of the daemon while it makes one leaves nothing after the next run",
  async () => {
    await using home = openHome({ ...noPool, cold: true });
    const killed = home.startRun(["true"]);
    await eventually(
      () => templates(home),
      (names) => names.some((name) => name.endsWith(".new")),
    );
    for (const { pid } of home.processes("daemon")) process.kill(pid, "SIGKILL");
    expect((await killed.finished).code).toBe(69);
    const abandoned = templates(home);
    expect(abandoned).toEqual([expect.stringMatching(/\.new$/u)]);
    expect(await runOnce(home)).toEqual(worked);
    expect(templates(home)).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.[0-9a-f]{16}$/u)]);
    expect(templates(home)).not.toEqual(abandoned);
    await home.emptied();
  },
  timeoutMs,
);

/** Exit code, output, and whether there was anything to say of the machine. */
const worked = [0, "works\n", false];

async function runOnce(home: Home) {
  const { code, stdout, stderr } = await home.run(["echo", "works"]);
  return [code, stdout.toString(), stderr.includes("pyro: The")];
}

async function useWorkspace(home: Home) {
  const created = await home.pyro(["workspace", "create", "--id-only"]);
  const id = created.stdout.toString().trim();
  const { code, stdout, stderr } = await home.pyro(["workspace", "exec", id, "--", "echo", "works"]);
  const deleted = await home.pyro(["workspace", "delete", id]);
  return [created.code, [code, stdout.toString(), stderr !== ""], deleted.code];
}

/** As a process that shares the cache does it. */
function remove(home: Home, name: string): void {
  const root = join(home.path, "cache", "templates");
  renameSync(join(root, name), join(root, `${name}.old`));
  rmSync(join(root, `${name}.old`), { recursive: true });
}

/** Names of their folders; none before the first is made. */
function templates(home: Home): readonly string[] {
  try {
    return readdirSync(join(home.path, "cache", "templates")).filter((name) => !name.endsWith(".lock"));
  } catch {
    return [];
  }
}
