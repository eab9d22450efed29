// Proves what the command line does besides running guests' commands: help, the daemon, progress, the demo.

import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHome } from "./home.js";

test("[help-every-level] help and version are on standard output, start no daemon, and end with 0", async () => {
  await using fresh = openHome();
  const asked = [[], ["--help"], ["env"], ["env", "--help"], ["env", "pull", "-h"], ["run", "--help"], ["--version"]];
  for (const args of asked) {
    const { code, stdout, stderr } = await fresh.pyro(args);
    expect({ args, code, stderr, isEmpty: stdout.length === 0 }).toEqual({ args, code: 0, stderr: "", isEmpty: false });
  }
  const { stdout } = await fresh.pyro(["--help"]);
  expect(stdout.toString()).toMatch(/doctor [^]*prepare [^]*run debian:12[^]*mcp serve[^]*host connect/u);
  expect(fresh.processes()).toEqual([]);
});

test("[compiled-kept] the second start runs what the first has compiled", async () => {
  await using fresh = openHome();
  const folder = join(fresh.path, "cache", "compiled");
  rmSync(folder, { recursive: true, force: true });
  const kept = async () => {
    expect(await fresh.pyro(["daemon", "status"])).toMatchObject({ code: 0, stderr: "" });
    return readdirSync(folder).map((name) => [name, statSync(join(folder, name)).ino]);
  };
  const first = await kept();
  expect(first).toEqual([[`command.cjs-${process.version}`, expect.any(Number)]]);
  expect(await kept()).toEqual(first);
});

test("[daemon-not-started] asking about the daemon or stopping it starts none", async () => {
  await using fresh = openHome();
  expect((await fresh.pyro(["daemon", "status"])).stdout.toString()).toBe("not running\n");
  const status = await fresh.pyro(["daemon", "status", "--json"]);
  expect([status.code, JSON.parse(status.stdout.toString())]).toMatchObject([0, { running: false, pid: null }]);
  const stop = await fresh.pyro(["daemon", "stop", "--json"]);
  expect([stop.code, JSON.parse(stop.stdout.toString())]).toEqual([0, { stopped: false }]);
  expect(fresh.processes()).toEqual([]);
});

test("[progress-on-stderr] a log of a long call has plain lines on standard error, and standard output only the result", async () => {
  await using cold = openHome({ cold: true });
  const { code, stdout, stderr } = await cold.run(["echo", "done"]);
  expect([code, stdout.toString()]).toEqual([0, "done\n"]);
  const lines = stderr.split("\n").filter((line) => line !== "");
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => !/^pyro: [^\u001b]+$/u.test(line))).toEqual([]);
});

test("[demo] the demo shows a machine's life and ends with none left", async () => {
  // Of its own: in the shared one, machines of other tests run at the same time.
  await using home = openHome({ settings: { pool_size: 0 } });
  const { code, stdout } = await home.pyro(["demo"]);
  expect([code, stdout.toString()]).toEqual([
    0,
    expect.stringMatching(
      /\$ pyro env pull debian:12\n[^]*git version 2[^]*\$ pyro run debian:12 -- uname -a\nLinux [^]*no machine runs/u,
    ),
  ]);
});
