// Proves the life of the daemon: started on demand and once, independent of who starts it, ended when idle or told to.

import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";
import { fieldsOf, isAlive, openFiles } from "./processes.js";

const noPool = { settings: { pool_size: 0 } };

test("[daemon-on-demand] [daemon-once] eight first calls at once start one daemon", async () => {
  await using home = openHome(noPool);
  expect((await home.status()).running).toBe(false);
  const calls = Array.from({ length: 8 }, () => home.pyro(["env", "list"]));
  // While they race, at times two processes have begun; the lock lets one live.
  const finished = await Promise.all(calls);
  expect(finished.map(({ code, stderr }) => ({ code, stderr }))).toEqual(finished.map(() => ({ code: 0, stderr: "" })));
  const { running, pid } = await home.status();
  expect(running).toBe(true);
  expect(home.processes().map((each) => ({ kind: each.kind, pid: each.pid }))).toEqual([{ kind: "daemon", pid }]);
});

test("[daemon-once] a daemon answers nobody before its record is there, without which others ask it to make way", async () => {
  await using home = openHome(noPool);
  // Its record cannot be written, so it must not begin to answer.
  const record = join(home.path, "state", "daemon.json");
  mkdirSync(join(record, "full"), { recursive: true, mode: 0o700 });
  expect((await home.pyro(["env", "list"])).code).not.toBe(0);
  rmSync(record, { recursive: true });
  expect(existsSync(join(home.path, "run", "daemon.sock"))).toBe(false);
});

test("[daemon-independent] the daemon has nothing of its first caller: folder, environment, session, descriptors", async () => {
  await using home = openHome(noPool);
  const cwd = join(home.path, "folder");
  mkdirSync(cwd);
  const script = 'exec 7< "$PYRO_HOME/settings.json"; "$@" env list > /dev/null';
  const first = await home.shell(script, { cwd, env: { SECRET_OF_THE_CALLER: "1", NODE_OPTIONS: "--no-warnings" } });
  expect([first.code, first.stderr]).toEqual([0, ""]);
  rmSync(cwd, { recursive: true });
  const pid = (await home.status()).pid ?? 0;
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
  const names = fieldsOf(pid, "environ").map((entry) => entry.slice(0, entry.indexOf("=")));
  expect(new Set(names)).toEqual(new Set(["HOME", "PATH", "PYRO_ENVIRONMENT_CACHE_DIR", "PYRO_HOME"]));
  expect(sessionOf(pid)).toBe(pid);
  const open = openFiles(pid);
  expect([...open.values()].filter((path) => path.endsWith("settings.json"))).toEqual([]);
  expect(open.get(0)).toBe("/dev/null");
  // It outlives its caller's output, and serves callers with almost no environment.
  const { PYRO_HOME, PYRO_ENVIRONMENT_CACHE_DIR } = home.env;
  const bare = await home.shell(`cd / && exec env -i PYRO_HOME="$PYRO_HOME" "$@" run debian:12 -- echo hello`);
  expect([bare.code, bare.stdout.toString()]).toEqual([0, "hello\n"]);
  expect((await home.status()).pid).toBe(pid);
  expect({ PYRO_HOME, PYRO_ENVIRONMENT_CACHE_DIR }).toEqual({
    PYRO_HOME: home.path,
    PYRO_ENVIRONMENT_CACHE_DIR: expect.any(String),
  });
});

test("[daemon-independent] a daemon started with almost no environment runs machines", async () => {
  await using home = openHome(noPool);
  const variables = 'PYRO_HOME="$PYRO_HOME" PYRO_ENVIRONMENT_CACHE_DIR="$PYRO_ENVIRONMENT_CACHE_DIR"';
  const { code, stdout, stderr } = await home.shell(
    `cd / && exec env -i ${variables} "$@" run debian:12 -- echo hello`,
  );
  expect([code, stdout.toString(), stderr]).toEqual([0, "hello\n", ""]);
});

test("[daemon-idle] an idle daemon ends by itself, with its pool, and the next call starts another", async () => {
  await using home = openHome({ env: { PYRO_IDLE_SECONDS: "1" } });
  expect((await home.run(["true"])).code).toBe(0);
  const left = await eventually(
    () => home.processes(),
    (processes) => processes.length === 0,
  );
  expect(left).toEqual([]);
  expect(home.machines()).toEqual([]);
  expect((await home.run(["echo", "again"])).stdout.toString()).toBe("again\n");
});

test("[daemon-idle] a daemon with a run in progress is not idle", async () => {
  await using home = openHome({ ...noPool, env: { PYRO_IDLE_SECONDS: "1" } });
  // Longer than the idle time, by the guest's own clock.
  const { code, stdout } = await home.run(["sh", "-c", "sleep 3; echo still here"]);
  expect([code, stdout.toString()]).toEqual([0, "still here\n"]);
});

test("[daemon-status] [daemon-stop] status tells what runs and starts nothing; stop ends it", async () => {
  await using home = openHome(noPool);
  const none = await home.pyro(["daemon", "status", "--json"]);
  expect([none.code, JSON.parse(none.stdout.toString())]).toMatchObject([
    0,
    { running: false, pid: null, running_machines: 0 },
  ]);
  expect((await home.pyro(["daemon", "stop"])).stdout.toString()).toBe("No daemon was running.\n");
  expect(home.processes()).toEqual([]);

  const started = home.startRun(["sh", "-c", "echo ready; read line"], { stdin: "open" });
  await started.printed("ready");
  expect(await home.status()).toMatchObject({ running: true, running_calls: 1, running_machines: 1 });
  started.child.stdin?.end("\n");
  await started.finished;
  const { pid, running_machines } = await home.status();
  expect(running_machines).toBe(0);
  const stopped = await home.pyro(["daemon", "stop"]);
  expect([stopped.code, stopped.stdout.toString()]).toEqual([0, "Stopped.\n"]);
  expect(
    await eventually(
      () => isAlive(pid ?? 0),
      (alive) => !alive,
    ),
  ).toBe(false);
});

test("[daemon-stop] stopping the daemon during a run ends the run with a clear error and leaves nothing", async () => {
  await using home = openHome(noPool);
  const plain = home.startRun(["sh", "-c", "echo ready; sleep 1000"]);
  const json = home.start(["run", "debian:12", "--json", "--", "sleep", "1000"]);
  await plain.printed("ready");
  await eventually(home.status, ({ running_machines }) => running_machines === 2);
  expect((await home.pyro(["daemon", "stop"])).code).toBe(0);
  const [one, other] = await Promise.all([plain.finished, json.finished]);
  expect([one.code, one.stderr]).toEqual([125, expect.stringMatching(/^pyro: The pyro daemon is stopping\.\n/u)]);
  expect([other.code, JSON.parse(other.stdout.toString())]).toMatchObject([125, { error: { code: "canceled" } }]);
  expect(
    await eventually(
      () => home.processes(),
      (processes) => processes.length === 0,
    ),
  ).toEqual([]);
});

test("[daemon-remains] what a daemon that died left behind does not stop the next one", async () => {
  await using home = openHome(noPool);
  for (const folder of ["state", "run"]) mkdirSync(join(home.path, folder), { mode: 0o700 });
  const record = join(home.path, "state", "daemon.json");
  // A record that is cut off, and a socket on which nobody listens.
  writeFileSync(record, '{"pid": 1, "socket"');
  await leaveSocket(join(home.path, "run", "daemon.sock"));
  await expectWorks(home);
  // A record of a daemon that is gone, whose process number somebody else has.
  await home.pyro(["daemon", "stop"]);
  const ended = {
    pid: process.pid,
    socket: join(home.path, "run", "gone.sock"),
    version: "0.0.1",
    build: "x",
    protocol: 1,
    started_at: "",
  };
  writeFileSync(record, JSON.stringify(ended));
  await leaveSocket(join(home.path, "run", "gone.sock"));
  await expectWorks(home);
  rmSync(join(home.path, "run", "gone.sock"), { force: true });
});

test("[daemon-remains] a daemon whose record was garbled or lost is still found, stopped and replaced", async () => {
  await using home = openHome(noPool);
  const record = join(home.path, "state", "daemon.json");
  await expectWorks(home);
  const first = (await home.status()).pid;
  writeFileSync(record, "garbled");
  expect(await home.status()).toMatchObject({ running: true, pid: first });
  await expectWorks(home);
  rmSync(record);
  expect((await home.pyro(["daemon", "stop"])).stdout.toString()).toBe("Stopped.\n");
  expect(
    await eventually(
      () => home.processes(),
      (processes) => processes.length === 0,
    ),
  ).toEqual([]);
});

test("[settings-refused] a settings file that cannot be read as such is named, with the field that is wrong", async () => {
  await using home = openHome({ settings: { pool_sise: 1 } });
  const wrong = await home.run(["true"]);
  expect(wrong.code).toBe(125);
  expect(wrong.stderr).toContain(join(home.path, "settings.json"));
  expect(wrong.stderr).toContain("pool_sise");
  writeFileSync(join(home.path, "settings.json"), "{");
  const garbled = await home.run(["true"]);
  expect(garbled.code).toBe(125);
  expect(garbled.stderr).toContain(join(home.path, "settings.json"));
  writeFileSync(join(home.path, "settings.json"), "{}");
  expect((await home.run(["true"])).code).toBe(0);
});

test("[homes-apart] two home folders of one user have a daemon each, without PYRO_HOME as well", async () => {
  await using one = openHome(noPool);
  await using other = openHome(noPool);
  const homes = [one, other].map((home) => {
    mkdirSync(join(home.path, ".cache"));
    renameSync(join(home.path, "cache"), join(home.path, ".cache", "pyro-mcp"));
    return { home, env: { HOME: home.path, PYRO_HOME: undefined } };
  });
  const running = homes.map(({ home, env }) =>
    home.startRun(["sh", "-c", "echo ready; read line"], { stdin: "open", env }),
  );
  for (const each of running) await each.printed("ready");
  expect([one, other].map((home) => home.processes("daemon").length)).toEqual([1, 1]);
  for (const each of running) each.child.stdin?.end("\n");
  expect(await Promise.all(running.map(async ({ finished }) => (await finished).code))).toEqual([0, 0]);
  for (const { home, env } of homes) {
    const { stdout } = await home.pyro(["daemon", "status", "--json"], { env });
    const { socket } = JSON.parse(stdout.toString()) as { readonly socket: string };
    expect((await home.pyro(["daemon", "stop"], { env })).stdout.toString()).toBe("Stopped.\n");
    expect(
      await eventually(
        () => home.processes(),
        (processes) => processes.length === 0,
      ),
    ).toEqual([]);
    rmSync(dirname(socket), { recursive: true });
  }
});

async function expectWorks(home: Home): Promise<void> {
  const { code, stdout, stderr } = await home.run(["echo", "works"]);
  expect([code, stdout.toString(), stderr]).toEqual([0, "works\n", ""]);
}

/** A socket file of a server that was killed. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(path);
  await once(server, "listening");
  // Closing would remove the file: another name keeps it.
  linkSync(path, `${path}.kept`);
  server.close();
  await once(server, "close");
  linkSync(`${path}.kept`, path);
  rmSync(`${path}.kept`);
}

function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
