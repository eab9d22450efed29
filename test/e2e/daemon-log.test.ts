// Proves that the log tells a person afterwards what a daemon did, whether one runs or not, and nothing that callers sent.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";

const noPool = { settings: { pool_size: 0 } };

type Entry = Readonly<Record<string, unknown>>;

test("[daemon-log] a run leaves its call, its machine, why that was not faster, and where QEMU died its flight recorder", async () => {
  await using home = openHome({ ...noPool, env: { PYRO_DEBUG: "pool,disk" } });
  await home.run(["echo", "not-to-be-logged"]);
  const started = home.startRun(["sh", "-c", "echo ready; sleep 1000"]);
  await started.printed("ready");
  for (const { pid } of home.processes("machine")) process.kill(pid, "SIGKILL");
  expect((await started.finished).code).toBe(125);
  await home.pyro(["daemon", "stop"]);
  const entries = await logOf(home, []);
  const [call] = entries.filter(({ event }) => event === "call begun").map((entry) => entry["call"]);
  const own = await logOf(home, ["--call", String(call)]);
  const fields = { at: expect.any(String), call };
  expect(own.map(({ event }) => event)).toEqual(["call begun", "machine restored", "machine ended", "call ended"]);
  expect(own[0]).toEqual({ ...fields, event: "call begun", operation: "vm_run", surface: "cli" });
  expect(own[1]).toMatchObject({ ...fields, environment: "debian:12", slower: ["There is no pool"] });
  expect(own.at(-1)).toEqual({ ...fields, event: "call ended", operation: "vm_run", ms: expect.any(Number) });
  const [flight] = entries.filter(({ event }) => event === "machine in trouble");
  expect(flight).toMatchObject({
    stages: expect.arrayContaining([expect.stringMatching(/ms ago: program started$/u)]),
    control: expect.arrayContaining([expect.stringMatching(/ms ago: > \d+ cont /u)]),
  });
  const events = entries.map(({ event }) => event);
  expect([events.at(-1), events.includes("PYRO_DEBUG has unknown topics")]).toEqual(["daemon ended", true]);
  expect(readFileSync(join(home.path, "state", "daemon.log"), "utf8")).not.toContain("not-to-be-logged");
});

test("[daemon-log] whoever follows sees calls as they come, and leaves by Ctrl-C without a word", async () => {
  await using home = openHome(noPool);
  await home.pyro(["workspace", "list"]);
  const following = home.start(["daemon", "log", "--follow", "--lines", "1"]);
  await following.printed("operation=workspace_list");
  await home.pyro(["env", "list"]);
  await following.printed("operation=env_list");
  following.child.kill("SIGINT");
  const { code, stderr } = await following.finished;
  expect([code, stderr]).toEqual([0, ""]);
});

test("[daemon-audit] a home in use is all owned; what a stranger leaves is named, with exit code 1", async () => {
  await using home = openHome(noPool);
  await home.pyro(["workspace", "create", "--name", "audited"]);
  const audited = await home.pyro(["daemon", "audit"]);
  expect([audited.code, audited.stdout.toString()]).toEqual([
    0,
    expect.stringMatching(/owner: workspace ws_.*Everything has an owner\.\n$/su),
  ]);
  for (const { pid } of home.processes("daemon")) process.kill(pid, "SIGKILL");
  await eventually(
    () => home.processes("daemon"),
    (left) => left.length === 0,
  );
  const { code, stdout } = await home.pyro(["daemon", "audit", "--json"]);
  const { things } = JSON.parse(stdout.toString()) as { things: { what: string; owner: string | null }[] };
  const ownerless = things.filter(({ owner }) => owner === null).map(({ what }) => what);
  expect([code, ownerless.toSorted()]).toEqual([
    1,
    [join(home.path, "run", "daemon.sock"), join(home.path, "state", "daemon.json")],
  ]);
  // The next daemon settles it.
  await home.pyro(["workspace", "delete", "audited"]);
  expect((await home.pyro(["daemon", "audit"])).code).toBe(0);
});

async function logOf(home: Home, flags: readonly string[]): Promise<readonly Entry[]> {
  const { stdout } = await home.pyro(["daemon", "log", "--json", ...flags]);
  return (JSON.parse(stdout.toString()) as { readonly entries: readonly Entry[] }).entries;
}
