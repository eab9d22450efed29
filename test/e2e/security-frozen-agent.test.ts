// Proves with real machines that root inside, who stops the agent, holds up nothing outside: delete, reset, stop and the daemon's end.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";

const noPool = { settings: { pool_size: 0 } };
const timeoutMs = 1_800_000;

/** Stops the agent for good, as root inside can. */
const freeze = `
for each in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' < $each/cmdline)" in "pyro-guest agent"*) agent=\${each#/proc/};; esac
done
echo "stopping $agent"
read line
kill -STOP $agent
`;

async function create(home: Home): Promise<string> {
  const { code, stdout, stderr } = await home.pyro(["workspace", "create", "--id-only"]);
  expect([code, stderr.includes("pyro:")]).toEqual([0, false]);
  return stdout.toString().trim();
}

async function inside(home: Home, id: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await home.pyro(["workspace", "exec", id, "--", "sh", "-c", script]);
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return stdout.toString();
}

/** A workspace whose agent is stopped, and a call that waits for it. */
async function frozen(home: Home) {
  const id = await create(home);
  // Its own end is one that nobody tells any more.
  const argv = ["workspace", "exec", id, "--timeout-seconds", "3600", "--", "sh", "-c", freeze];
  const freezing = home.start(argv, { stdin: "open" });
  await freezing.printed("stopping");
  freezing.child.stdin?.end("\n");
  const file = join(home.path, "text");
  writeFileSync(file, "text");
  const waiting = home.start(["workspace", "file", "write", id, "/workspace/x", "--text-file", file]);
  await eventually(home.status, ({ running_calls }) => running_calls > 1);
  return { id, waiting, freezing };
}

test(
  "[workspace-ends] a workspace whose agent is frozen is deleted at once, with the call that waited for it",
  async () => {
    await using home = openHome(noPool);
    const { id, waiting, freezing } = await frozen(home);
    const order: string[] = [];
    void waiting.finished.then(() => order.push("call ended"));
    const began = performance.now();
    const deleted = await home.pyro(["workspace", "delete", id]);
    process.stdout.write(`workspace delete with a frozen agent: ${Math.round(performance.now() - began)} ms\n`);
    expect([deleted.code, deleted.stdout.toString()]).toEqual([0, `Deleted ${id}.\n`]);
    const call = await waiting.finished;
    await freezing.finished;
    expect([call.code === 0, call.stderr]).toEqual([false, expect.stringContaining("in the middle of this call")]);
    await home.emptied();
    expect(order).toEqual(["call ended"]);
  },
  timeoutMs,
);

// These three together: each has a home of its own, and waits most of its time for an agent that does not answer.
test.concurrent(
  "[workspace-ends] a reset gives a workspace whose agent is frozen a new machine",
  async () => {
    await using home = openHome(noPool);
    const { id, waiting, freezing } = await frozen(home);
    expect((await home.pyro(["workspace", "reset", id])).code).toBe(0);
    expect((await waiting.finished).code).not.toBe(0);
    await freezing.finished;
    expect(await inside(home, id, "echo again")).toBe("again\n");
    await home.pyro(["workspace", "delete", id]);
    await home.emptied();
  },
  timeoutMs,
);

test.concurrent(
  "[workspace-ends] a stop of a workspace whose agent is frozen ends it, and says that it was not written to its disk",
  async () => {
    await using home = openHome(noPool);
    const { id, waiting, freezing } = await frozen(home);
    const stopped = await home.pyro(["workspace", "stop", id, "--json"]);
    const said = "did not write everything to its disk within 20 s";
    expect([stopped.code, JSON.parse(stopped.stdout.toString())]).toMatchObject([
      0,
      { state: "stopped", failure: expect.stringContaining(said) },
    ]);
    await Promise.all([waiting.finished, freezing.finished]);
    expect((await home.pyro(["workspace", "logs", id])).stdout.toString()).toContain(said);
    expect(await inside(home, id, "echo again")).toBe("again\n");
    await home.pyro(["workspace", "delete", id]);
    await home.emptied();
  },
  timeoutMs,
);

test.concurrent(
  "[daemon-stop] stopping the daemon is not held up by a frozen agent, and the next one takes its workspace over",
  async () => {
    await using home = openHome(noPool);
    const { id, waiting, freezing } = await frozen(home);
    const began = performance.now();
    expect((await home.pyro(["daemon", "stop"])).stdout.toString()).toBe("Stopped.\n");
    process.stdout.write(`daemon stop with a frozen agent: ${Math.round(performance.now() - began)} ms\n`);
    expect([home.processes("daemon"), existsSync(join(home.path, "run", "daemon.sock"))]).toEqual([[], false]);
    await Promise.all([waiting.finished, freezing.finished]);
    expect(await inside(home, id, "echo again")).toBe("again\n");
    await home.pyro(["workspace", "delete", id]);
    await home.emptied();
  },
  timeoutMs,
);

test(
  "[workspace-ends] what was written just before a stop is there after the next start",
  async () => {
    await using home = openHome(noPool);
    const id = await create(home);
    const written = home.start([
      "workspace",
      "exec",
      id,
      "--",
      "sh",
      "-c",
      "head -c 20000000 /dev/zero > big; echo last > last; cksum big",
    ]);
    expect((await written.finished).code).toBe(0);
    expect((await home.pyro(["workspace", "stop", id])).code).toBe(0);
    const sum = (await written.finished).stdout.toString();
    expect(await inside(home, id, "cksum big; cat last")).toBe(`${sum}last\n`);
    await home.pyro(["workspace", "delete", id]);
    await home.emptied();
  },
  timeoutMs,
);

test(
  "[workspace-crash] a workspace folder without a record held nothing, and is gone with the next daemon",
  async () => {
    await using home = openHome(noPool);
    const unbegun = join(home.path, "state", "workspaces", "ws_aaaaaaaaaaaa");
    mkdirSync(unbegun, { recursive: true, mode: 0o700 });
    writeFileSync(join(unbegun, "workspace.json.0123456789ab.tmp"), "{");
    const { stdout } = await home.pyro(["workspace", "list", "--json"]);
    expect(JSON.parse(stdout.toString())).toMatchObject({ workspaces: [], quarantined: [] });
    expect([existsSync(unbegun), existsSync(join(home.path, "state", "quarantine"))]).toEqual([false, false]);
  },
  timeoutMs,
);

test(
  "[daemon-remains] a machine whose record says nothing is ended before its folder goes",
  async () => {
    await using home = openHome(noPool);
    const id = await create(home);
    const [machine = ""] = home.machines();
    await killDaemon(home);
    const record = join(home.path, "state", "machines", machine, "machine.json");
    const known = JSON.parse(readFileSync(record, "utf8")) as Record<string, unknown>;
    writeFileSync(record, JSON.stringify({ ...known, engine: "another" }));
    expect((await home.pyro(["workspace", "list", "--json"])).stdout.toString()).toContain('"stopped"');
    expect(home.processes("machine")).toEqual([]);
    expect(await inside(home, id, "echo again")).toBe("again\n");
    await home.pyro(["workspace", "delete", id]);
    await home.emptied();
  },
  timeoutMs,
);

test(
  "[daemon-stop] [daemon-remains] stop removes what a killed daemon has left",
  async () => {
    await using home = openHome(noPool);
    expect((await home.pyro(["env", "list"])).code).toBe(0);
    await killDaemon(home);
    expect((await home.pyro(["daemon", "stop"])).stdout.toString()).toBe("No daemon was running.\n");
    const left = ["run/daemon.sock", "state/daemon.json"].filter((path) => existsSync(join(home.path, path)));
    expect(left).toEqual([]);
  },
  timeoutMs,
);

test(
  "[daemon-stop] a daemon that is only starting is stopped as well",
  async () => {
    await using home = openHome(noPool);
    const first = home.start(["env", "list"]);
    await eventually(
      () => home.processes("daemon").length,
      (count) => count > 0,
    );
    await home.pyro(["daemon", "stop"]);
    await first.finished;
    // A client that lost its daemon in the middle may have started another.
    await home.pyro(["daemon", "stop"]);
    expect(home.processes()).toEqual([]);
  },
  timeoutMs,
);

async function killDaemon(home: Home): Promise<void> {
  for (const { pid } of home.processes("daemon")) process.kill(pid, "SIGKILL");
  await eventually(
    () => home.processes("daemon").length,
    (count) => count === 0,
  );
}
