// Proves what a one-shot run tells of its command, with the real agent in its machine: its outcome, its output, its signals.

import { describe, expect, onTestFinished, test } from "vitest";
import type { InstalledEnvironment } from "../../../src/environment/environment.js";
import { oneShot, type OneShotCaller, type OneShotParts } from "../../../src/one-shot/one-shot.js";
import { allOutputBytes } from "../../../src/process/kept.js";
import { startRealAgent } from "../../agent/real-agent.js";

const environment: InstalledEnvironment = {
  ...{ name: "debian:12", imagePath: "/nowhere", imageDigest: "", imageBytes: 0, env: [], source: "", installedAt: "" },
};

/** As far as a run asks: what is installed, and a machine with the agent. */
const parts = {
  environments: { find: () => Promise.resolve(environment) },
  machines: {
    create: async () => {
      const agent = await startRealAgent();
      onTestFinished(() => agent[Symbol.asyncDispose]());
      return (await agent.machine()).live;
    },
  },
  sandboxes: {},
  engine: { unusable: undefined },
} as unknown as OneShotParts;

async function run(script: string, more: Partial<OneShotCaller> = {}) {
  const request = {
    ...{ environment: "debian:12", command: ["/bin/sh", "-c", script], vcpuCount: 1, memMib: 128 },
    ...{ timeoutMs: 60_000, ttlMs: 600_000, allowHostCompat: false, outputBytes: allOutputBytes },
  };
  const caller: OneShotCaller = {
    ...{ signal: new AbortController().signal, progress: () => undefined, stdin: undefined, streaming: false },
    ...{ output: () => Promise.resolve(), onSignal: () => undefined, ...more },
  };
  return oneShot(parts).run(request, caller);
}

const result = {
  ...{ environment: "debian:12", engine: "none", accelerator: "none", state: "exited", exit_code: 0, signal: null },
  ...{ timed_out: false, oom_killed: false, canceled: false, duration_ms: expect.any(Number) as number },
  ...{ stdout: "", stderr: "", stdout_truncated: false, stderr_truncated: false, dropped_bytes: 0 },
};

describe("a one-shot run", () => {
  test("tells how its command ended, its signal included, and what it wrote", async () => {
    expect(await run("echo out; printf '\\377' >&2; kill -SEGV $$")).toEqual({
      ...{ ...result, exit_code: 139, signal: "SEGV", stdout: "out\n", stderr: "\u{fffd}", stderr_base64: "/w==" },
    });
  });

  test("that is streamed has no output in its result", async () => {
    const pieces: string[] = [];
    const output = (stream: string, data: Uint8Array) =>
      Promise.resolve(void pieces.push(`${stream}: ${Buffer.from(data).toString()}`));
    expect(await run("echo out", { streaming: true, output })).toEqual(result);
    expect(pieces).toEqual(["stdout: out\n"]);
  });

  test("passes its caller's signals on", async () => {
    let send: ((name: string) => void) | undefined;
    const onSignal = (sender: (name: string) => void) => void (send = sender);
    const output = () => Promise.resolve(send?.("TERM"));
    const ended = await run("echo up; while :; do sleep 0.01; done", { streaming: true, onSignal, output });
    expect(ended).toEqual({ ...result, exit_code: 143, signal: "TERM" });
  });
});
