// Proves, at every crash point of a workspace's life, in order, that a daemon that dies there leaves the workspace whole or cleanly gone.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectDaemon, type DaemonConnection } from "../../src/client/connect.js";
import { claimWalks, workspaceWalks } from "../crash-walks.js";
import { runFolder } from "./command.js";
import { eventually } from "./eventually.js";
import { openHome, ownerless, type Home } from "./home.js";
import { isAlive } from "./processes.js";

const timeoutMs = 1_200_000;
const gone = "gone";

let seed: string;
let pushed: string;
beforeAll(() => {
  [seed, pushed] = ["seed-", "pushed-"].map((name) => mkdtempSync(join(runFolder(), name))) as [string, string];
  writeFileSync(join(seed, "kept"), "seed\n");
  mkdirSync(join(pushed, "in"));
  writeFileSync(join(pushed, "in", "new"), "pushed\n");
});
afterAll(() => {
  for (const folder of [seed, pushed]) rmSync(folder, { recursive: true, force: true });
});

const noPool = { settings: { pool_size: 0 } };
const created = "seed\n";
const dirty = "seed\ndirty\n";

test(
  "[workspace-crash] a create that dies leaves the workspace gone until it ran, and whole afterwards",
  async () => {
    await using home = openHome(noPool);
    const ran = workspaceWalks.create.indexOf("workspace recorded: running");
    for (const [at, point] of workspaceWalks.create.entries()) {
      // Another content each time: its seed is no cached one.
      writeFileSync(join(seed, "number"), String(at));
      await dieAt(home, { point, operation: "workspace_create", input: { name: "crash", seed_path: seed } });
      const seen = await contentAfter(home);
      expect({ point, seen }).toEqual({ point, seen: at < ran ? gone : created });
    }
  },
  timeoutMs,
);

test(
  "[workspace-crash] a pool machine's hand-over that dies leaves the workspace gone and no machine",
  async () => {
    await using home = openHome();
    for (const point of claimWalks) {
      const before = async (daemon: DaemonConnection) => {
        await daemon.call("vm_run", { environment: "debian:12", command: ["true"] });
        const pooled = async () => ((await daemon.call("daemon_status", {})) as Status).pooled_machines;
        await eventually(pooled, (count) => count === 1);
      };
      await dieAt(home, { point, operation: "workspace_create", input: { name: "crash" }, before });
      expect({ point, seen: await contentAfter(home) }).toEqual({ point, seen: gone });
    }
  },
  timeoutMs,
);

test(
  "[workspace-crash] a command, a push, a stop, a reset and a delete that die leave before or after, and nothing between",
  async () => {
    await using home = openHome(noPool);
    const id = await inDaemon(home, undefined, async (daemon) => {
      const { workspace_id } = (await daemon.call("workspace_create", { name: "crash", seed_path: seed })) as Created;
      return workspace_id;
    });
    const command = ["sh", "-c", "echo dirty > dirty; echo said"];
    for (const point of workspaceWalks.exec) {
      const sequence = await lastSequence(home, id);
      await dieAt(home, { point, operation: "workspace_exec", input: { workspace_id: id, command } });
      expect({ point, seen: await outputOf(home, id, sequence + 1) }).toEqual({
        point,
        seen: point === "journal line written: exec_started" ? ["", null] : ["said\n", 0],
      });
    }
    expect(await contentAfter(home, id)).toBe(dirty);
    for (const point of workspaceWalks.sync) {
      await dieAt(home, {
        point,
        operation: "workspace_sync_push",
        input: {
          workspace_id: id,
          source_path: join(pushed, "in"),
          dest: "/workspace",
        },
      });
      const seen = await inside(home, id, "cat new 2>/dev/null; rm -f new");
      // The guest finishes what it was told to; what it was only given is dropped.
      expect({ point, seen }).toEqual({ point, seen: point === "changes staged" ? "" : "pushed\n" });
    }
    for (const point of workspaceWalks.stop) {
      await dieAt(home, { point, operation: "workspace_stop", input: { workspace_id: id } });
      expect({ point, seen: await contentAfter(home, id) }).toEqual({ point, seen: dirty });
    }
    for (const point of workspaceWalks.reset) {
      await inside(home, id, "echo dirty > dirty");
      await dieAt(home, { point, operation: "workspace_reset", input: { workspace_id: id } });
      expect({ point, seen: await contentAfter(home, id) }).toEqual({ point, seen: created });
    }
    for (const point of workspaceWalks.delete) {
      await dieAt(home, { point, operation: "workspace_delete", input: { workspace_id: id } });
      expect({ point, seen: await contentAfter(home, id) }).toEqual({ point, seen: gone });
    }
  },
  timeoutMs,
);

interface Status {
  readonly pooled_machines: number;
}

interface Created {
  readonly workspace_id: string;
}

/** A daemon of this home, which dies at the point where one is named; killed in the end if it has not. */
async function inDaemon<Result>(
  home: Home,
  dieAt: string | undefined,
  work: (daemon: DaemonConnection) => Promise<Result>,
): Promise<Result> {
  const command = [join(runFolder(), "dist", "pyro.js"), "daemon", "serve", "--json"];
  const env = { ...home.env, ...(dieAt === undefined ? {} : { PYRO_DIE_AT: dieAt }) };
  const daemon = await connectDaemon({ env, command });
  const pids = home.processes("daemon").map(({ pid }) => pid);
  try {
    return await work(daemon);
  } finally {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    // Not before it has none of its files open: its socket would still take a connection.
    await eventually(
      () => pids.filter((pid) => existsSync(`/proc/${pid}`)),
      (alive) => alive.length === 0,
    );
  }
}

interface Death {
  readonly point: string;
  readonly operation: string;
  readonly input: unknown;
  readonly before?: (daemon: DaemonConnection) => Promise<void>;
}

async function dieAt(home: Home, { point, operation, input, before }: Death): Promise<void> {
  await inDaemon(home, point, async (daemon) => {
    await before?.(daemon);
    await expect(daemon.call(operation, input)).rejects.toMatchObject({
      message: "The pyro daemon went away before it answered.",
    });
  });
}

/** What the next daemon finds, and that nothing is left of the dead one without an owner; deletes it unless it has an id. */
async function contentAfter(home: Home, id?: string): Promise<string> {
  return inDaemon(home, undefined, async (daemon) => {
    const { workspaces, quarantined } = (await daemon.call("workspace_list", {})) as Listed;
    expect(quarantined).toEqual([]);
    const [found] = workspaces;
    const seen =
      found === undefined ? gone : await outputIn(daemon, found.workspace_id, "cat kept dirty 2>/dev/null; true");
    if (found !== undefined && id === undefined)
      await daemon.call("workspace_delete", { workspace_id: found.workspace_id });
    expect([await ownerless(home.path), drafts(home)]).toEqual([[], []]);
    return seen;
  });
}

interface Listed {
  readonly workspaces: readonly { readonly workspace_id: string }[];
  readonly quarantined: readonly unknown[];
}

async function inside(home: Home, id: string, script: string): Promise<string> {
  return inDaemon(home, undefined, (daemon) => outputIn(daemon, id, script));
}

interface Ran {
  readonly stdout: string;
  readonly exit_code: number | null;
}

async function outputIn(daemon: DaemonConnection, id: string, script: string): Promise<string> {
  const ran = (await daemon.call("workspace_exec", { workspace_id: id, command: ["sh", "-c", script] })) as Ran;
  return ran.stdout;
}

async function outputOf(home: Home, id: string, sequence: number): Promise<readonly [string, number | null]> {
  return inDaemon(home, undefined, async (daemon) => {
    const { stdout, exit_code } = (await daemon.call("workspace_wait", { workspace_id: id, sequence })) as Ran;
    return [stdout, exit_code];
  });
}

async function lastSequence(home: Home, id: string): Promise<number> {
  return inDaemon(home, undefined, async (daemon) => {
    const { entries } = (await daemon.call("workspace_logs", { workspace_id: id })) as {
      readonly entries: readonly { readonly sequence: number }[];
    };
    return entries.at(-1)?.sequence ?? 0;
  });
}

/** Files that were to replace others. */
function drafts(home: Home): readonly string[] {
  const names = readdirSync(join(home.path, "state"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".tmp"));
}
