// Proves that a daemon killed at any moment leaves every workspace whole or cleanly gone, and that what runs inside goes on.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { runFolder, type Finished } from "./command.js";
import { openHome, type Home } from "./home.js";
import { makeRepository } from "./repository.js";

/** `make soak` sets more. */
const rounds = Number(process.env["PYRO_CRASH_ROUNDS"] ?? 3);
const noPool = { settings: { pool_size: 0 } };
/** The moment to kill at is drawn from so many milliseconds: what an operation takes on a busy machine. */
const spreadMs = 1200;
const timeoutMs = 600_000 + rounds * 120_000;

test(
  "[workspace-adopted] a command goes on while no daemon runs, and all of its output is there afterwards",
  async () => {
    await using home = openHome(noPool);
    const id = await create(home, []);
    const script = "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.1; done";
    await pyro(home, ["workspace", "exec", id, "--detach", "--", "sh", "-c", script]);
    await killDaemon(home);
    const { code, stdout } = await home.pyro(["workspace", "wait", id, "1"]);
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index}\n`).join("");
    expect([code, stdout.toString()]).toEqual([0, lines]);
    await pyro(home, ["workspace", "delete", id]);
  },
  timeoutMs,
);

test(
  "[workspace-crash] killed during create: whole or gone, and the checkout is untouched",
  async () => {
    await using home = openHome(noPool);
    using repository = makeRepository();
    const whole = "untracked\n2\n";
    const before = digestOf(repository.path);
    for (let round = 0; round < rounds; round += 1) {
      const creating = home.start(["workspace", "create", "--seed-path", repository.path, "--name", "crash"]);
      await killSoon(home);
      await creating.finished;
      const found = await list(home);
      const content =
        found.length === 0 ? whole : await inside(home, "crash", "cat new.txt; git status --short | wc -l");
      if (found.length > 0) await pyro(home, ["workspace", "delete", "crash"]);
      const states = found.filter(({ state }) => state !== "running" && state !== "stopped");
      expect([states, content, digestOf(repository.path)]).toEqual([[], whole, before]);
    }
  },
  timeoutMs,
);

test(
  "[workspace-crash] killed during reset: as before or as created",
  async () => {
    await using home = openHome(noPool);
    const id = await create(home, []);
    for (let round = 0; round < rounds; round += 1) {
      await inside(home, id, "echo dirty > dirty.txt; echo x > /root/dirty");
      const resetting = home.start(["workspace", "reset", id]);
      await killSoon(home);
      await resetting.finished;
      expect(["dirty\nx\n", ""]).toContain(await inside(home, id, "cat dirty.txt /root/dirty 2>/dev/null || true"));
    }
    await pyro(home, ["workspace", "delete", id]);
  },
  timeoutMs,
);

test(
  "[workspace-crash] killed during sync push: all of the new files or none",
  async () => {
    await using home = openHome(noPool);
    const id = await create(home, []);
    const source = mkdtempSync(join(runFolder(), "push-"));
    const versions = ["0"];
    await inside(home, id, "mkdir -p in; for i in $(seq 40); do echo 0 > in/f$i; done");
    for (let round = 1; round <= rounds; round += 1) {
      for (let index = 1; index <= 40; index += 1) writeFileSync(join(source, `f${index}`), `${round}\n`);
      versions.push(String(round));
      const pushing = home.start(["workspace", "sync", "push", id, source, "--dest", "/workspace/in"]);
      await killSoon(home);
      await pushing.finished;
      const seen = (await inside(home, id, "cat in/f* | sort -u; ls -A in | wc -l")).trim().split("\n");
      expect([seen.length, seen.at(-1)]).toEqual([2, "40"]);
      expect(versions).toContain(seen[0]);
    }
    rmSync(source, { recursive: true });
    await pyro(home, ["workspace", "delete", id]);
  },
  timeoutMs,
);

test(
  "[workspace-crash] killed during exec and delete: the command is whole, the workspace is whole or gone",
  async () => {
    await using home = openHome(noPool);
    const seed = mkdtempSync(join(runFolder(), "seed-"));
    mkdirSync(join(seed, "folder"));
    writeFileSync(join(seed, "folder", "kept.txt"), "kept\n");
    for (let round = 0; round < rounds; round += 1) {
      const id = await create(home, ["--seed-path", seed]);
      const running = home.start(["workspace", "exec", id, "--detach", "--", "sh", "-c", "echo a; sleep 0.5; echo b"]);
      await killSoon(home);
      const started = (await running.finished).code === 0;
      const output = started ? await waitedOutput(home, id) : "a\nb\n";
      const deleting = home.start(["workspace", "delete", id]);
      await killSoon(home);
      await deleting.finished;
      const left = (await list(home)).length > 0;
      const content = left ? await inside(home, id, "cat folder/kept.txt") : "kept\n";
      if (left) await pyro(home, ["workspace", "delete", id]);
      expect([output, content]).toEqual(["a\nb\n", "kept\n"]);
    }
    rmSync(seed, { recursive: true });
    expect(await list(home)).toEqual([]);
    await home.emptied();
  },
  timeoutMs,
);

async function create(home: Home, flags: readonly string[]): Promise<string> {
  return (await pyro(home, ["workspace", "create", "--id-only", ...flags])).stdout.toString().trim();
}

async function inside(home: Home, id: string, script: string): Promise<string> {
  return (await pyro(home, ["workspace", "exec", id, "--", "sh", "-c", script])).stdout.toString();
}

async function waitedOutput(home: Home, id: string): Promise<string> {
  return (await pyro(home, ["workspace", "wait", id, "1"])).stdout.toString();
}

async function list(home: Home): Promise<readonly { readonly state: string }[]> {
  const { stdout } = await pyro(home, ["workspace", "list", "--json"]);
  const listed = JSON.parse(stdout.toString()) as { workspaces: { state: string }[]; quarantined: unknown[] };
  expect(listed.quarantined).toEqual([]);
  return listed.workspaces;
}

async function pyro(home: Home, args: readonly string[]): Promise<Finished> {
  const finished = await home.pyro(args);
  expect([finished.code, finished.code === 0 ? "" : finished.stderr]).toEqual([0, ""]);
  return finished;
}

/** Kills the daemon at a random moment; one that does not run yet is killed once it does. */
async function killSoon(home: Home): Promise<void> {
  await delay(Math.random() * spreadMs);
  await killDaemon(home);
}

async function killDaemon(home: Home): Promise<void> {
  for (const { pid } of home.processes("daemon")) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  }
  await delay(0);
}

function digestOf(folder: string): string {
  const script = "tar --sort=name -cf - . | sha256sum";
  return execFileSync("sh", ["-c", script], { cwd: folder }).toString();
}
