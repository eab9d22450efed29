// Owns a daemon for the benchmark, with the stage hook in it. Never uses the user's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { callDaemon } from "../src/client/call.js";
import { daemonLockPath } from "../src/daemon/record.js";
import { untilPooled } from "./pooled.js";
import { settleMs } from "./restores.js";
import type { Subject } from "./subject.js";

export interface BenchDaemon extends AsyncDisposable {
  /** Waits until a machine is ready in the pool, and at rest. */
  pooled(): Promise<void>;
}

const status = z.object({ pooled_machines: z.number() });

/** Starts it as the pyro command would, under the lock of its state folder. */
export async function startDaemon(root: string, subject: Subject, stageFile: string): Promise<BenchDaemon> {
  const { paths } = subject;
  const node = [process.execPath, "--import", join(root, "bench", "stage-hook.mjs"), join(root, "dist", "pyro.js")];
  const child = spawn("flock", ["--nonblock", "--no-fork", daemonLockPath(paths), ...node, "daemon", "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...subject.env, PYRO_BENCH_STAGES: stageFile },
  });
  const ended = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error("the daemon of the benchmark did not start");
    }),
  ]);
  const socket = join(paths.sockets, "daemon.sock");
  const pooledMachines = async () =>
    status.parse(await callDaemon(socket, { name: "daemon_status", input: {} })).pooled_machines;
  return {
    pooled: async () => {
      await untilPooled(pooledMachines);
      await delay(settleMs);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
