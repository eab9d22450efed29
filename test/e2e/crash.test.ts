// Proves that whatever is killed in the middle of a run, the caller is told, no machine stays, and the next run works.

import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";
import { isAlive } from "./processes.js";
import type { Started } from "./command.js";

const noPool = { settings: { pool_size: 0 } };

test("[daemon-killed] kill -9 of the daemon: the caller gets a clear error, the machine goes, the next run works", async () => {
  await using home = openHome(noPool);
  const started = await startReady(home);
  process.kill(pidOf(home, "daemon"), "SIGKILL");
  const { code, stderr } = await started.finished;
  expect([code, stderr]).toEqual([125, expect.stringMatching(/^pyro: The pyro daemon went away/u)]);
  await home.emptied();
  await expectWorks(home);
});

test("[machine-killed] kill -9 of QEMU: the caller gets a clear error, nothing is left, the next run works", async () => {
  await using home = openHome(noPool);
  const started = await startReady(home);
  process.kill(pidOf(home, "machine"), "SIGKILL");
  const { code, stderr } = await started.finished;
  expect([code, stderr]).toEqual([
    125,
    expect.stringMatching(/^pyro: The machine ended in the middle of the command: /u),
  ]);
  await home.emptied();
  await expectWorks(home);
});

test("[machine-killed] kill -9 of the supervisor takes its machine along, and the next run works", async () => {
  await using home = openHome(noPool);
  const started = await startReady(home);
  process.kill(pidOf(home, "supervisor"), "SIGKILL");
  const { code, stderr } = await started.finished;
  expect([code, stderr]).toEqual([
    125,
    expect.stringMatching(/^pyro: The machine ended in the middle of the command: /u),
  ]);
  await home.emptied();
  await expectWorks(home);
});

test("[machine-killed] a guest that ends its own machine is told apart from one that ends a command", async () => {
  await using home = openHome(noPool);
  const { code, stderr } = await home.run(["sh", "-c", "echo o > /proc/sysrq-trigger; sleep 1000"]);
  expect([code, stderr]).toEqual([
    125,
    expect.stringMatching(/^pyro: The machine ended in the middle of the command: /u),
  ]);
  await home.emptied();
});

test("[caller-killed] kill -9 of the caller: its machine is removed", async () => {
  await using home = openHome(noPool);
  const started = await startReady(home);
  started.child.kill("SIGKILL");
  await started.finished;
  await home.emptied();
  expect((await home.status()).running_machines).toBe(0);
});

test("[ttl] a run that outlives --ttl-seconds loses its machine and says so", async () => {
  await using home = openHome(noPool);
  const { code, stderr } = await home.pyro(["run", "debian:12", "--ttl-seconds", "3", "--", "sleep", "1000"]);
  expect([code, stderr]).toEqual([125, expect.stringMatching(/^pyro: The machine had reached its time to live/u)]);
  await home.emptied();
});

test("[ttl] a forgotten machine is removed at its time, also when the daemon hangs", async () => {
  await using home = openHome(noPool);
  const started = home.start(["run", "debian:12", "--ttl-seconds", "5", "--", "sh", "-c", "echo ready; sleep 1000"]);
  await started.printed("ready");
  const daemon = pidOf(home, "daemon");
  const machine = pidOf(home, "machine");
  process.kill(daemon, "SIGSTOP");
  expect(
    await eventually(
      () => isAlive(machine),
      (alive) => !alive,
    ),
  ).toBe(false);
  process.kill(daemon, "SIGCONT");
  expect((await started.finished).code).toBe(125);
  await home.emptied();
});

test("[crash-while-starting] kill -9 of the daemon while a template is made leaves nothing half made in use", async () => {
  await using home = openHome({ ...noPool, cold: true });
  const started = home.startRun(["true"]);
  await eventually(
    () => home.processes("machine"),
    (machines) => machines.length === 1,
  );
  process.kill(pidOf(home, "daemon"), "SIGKILL");
  // No machine could be started: that is 69.
  expect((await started.finished).code).toBe(69);
  await home.emptied();
  await expectWorks(home);
});

async function startReady(home: Home): Promise<Started> {
  const started = home.startRun(["sh", "-c", "echo ready; sleep 1000"]);
  await started.printed("ready");
  return started;
}

/** Of the only process of this kind. */
function pidOf(home: Home, kind: "daemon" | "machine" | "supervisor"): number {
  const [first, ...others] = home.processes(kind);
  expect(others).toEqual([]);
  return first?.pid ?? Number.NaN;
}

async function expectWorks(home: Home): Promise<void> {
  const { code, stdout, stderr } = await home.run(["echo", "works"]);
  expect([code, stdout.toString(), stderr]).toEqual([0, "works\n", expect.not.stringContaining("pyro: The")]);
}
