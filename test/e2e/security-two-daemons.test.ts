// Proves that a state folder has one daemon at a time, also where somebody starts another by hand.

import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome } from "./home.js";

const noPool = { settings: { pool_size: 0 } };

test("[daemon-once] a second daemon is refused, and the first one's machines go on", async () => {
  await using home = openHome(noPool);
  const running = home.startRun(["sh", "-c", "echo ready; read line; echo $line"], { stdin: "open" });
  await running.printed("ready");
  const { pid } = await home.status();
  const second = await home.pyro(["daemon", "serve", "--json"]);
  expect([second.code, JSON.parse(second.stdout.toString())]).toMatchObject([
    73,
    { error: { code: "already_exists" } },
  ]);
  expect(await home.status()).toMatchObject({ pid, running_machines: 1 });
  running.child.stdin?.end("still here\n");
  expect((await running.finished).stdout.toString()).toBe("ready\nstill here\n");
});

test("[daemon-once] one that was started by hand is everybody's, and is the only one", async () => {
  await using home = openHome(noPool);
  const first = home.start(["daemon", "serve", "--json"]);
  await first.printed("ready");
  const others = await Promise.all([home.pyro(["env", "list"]), home.pyro(["env", "list"])]);
  expect(others.map(({ code }) => code)).toEqual([0, 0]);
  expect((await home.status()).pid).toBe(first.child.pid);
  expect((await home.pyro(["daemon", "stop"])).stdout.toString()).toBe("Stopped.\n");
  await first.finished;
  expect(
    await eventually(
      () => home.processes(),
      (left) => left.length === 0,
    ),
  ).toEqual([]);
});
