// Proves that a model and a person are told why a command ended, and that a script's standard error stays the command's alone.

import { describe, expect, test } from "vitest";
import { asSaid } from "../../../src/base/say.js";
import { runOperation } from "../../../src/operations/run.js";
import { workspaceExecOperation, workspaceLogsOperation } from "../../../src/operations/workspace-exec.js";
import type { CommandContext } from "../../../src/surface/cli/command.js";
import { finishCommand } from "../../../src/surface/cli/guest-command.js";
import { ranFine } from "./fake-daemon.js";

const killed = { ...ranFine, exit_code: 137, signal: "KILL", oom_killed: true };

/** What a command line prints of a result, and what it exits with. */
async function finished(result: Record<string, unknown>, isTerminal: boolean) {
  let stderr = "";
  const write = (text: string) => Promise.resolve(void (stderr += text));
  const pass = () => Promise.resolve();
  const sink = { isTerminal, columns: () => 80, write, pass };
  const context = { json: false, selection: undefined, stdout: { ...sink, write: pass }, stderr: sink };
  const call = { operation: runOperation, input: {} };
  const ran = runOperation.output.parse(result);
  return { code: await finishCommand({ call, result, ran }, context as unknown as CommandContext), stderr };
}

describe("on the command line, a command that was killed", () => {
  test("is explained to a person", async () => {
    const stderr = "pyro: The command ended with exit code 137: out of memory, ended by signal KILL.\n";
    expect(await finished(killed, true)).toEqual({ code: 137, stderr });
  });

  test("has its exit code alone for a script, and for who pressed Ctrl-C", async () => {
    const interrupted = { ...ranFine, exit_code: 130, signal: "INT" };
    expect(await Promise.all([finished(killed, false), finished(interrupted, true), finished(ranFine, true)])).toEqual([
      { code: 137, stderr: "" },
      { code: 130, stderr: "" },
      { code: 0, stderr: "" },
    ]);
  });
});

test("the list of a workspace's commands says why each ended", () => {
  const entry = {
    ...{
      sequence: 1,
      command: "make",
      cwd: "/",
      started_at: "",
      stdout_bytes: 0,
      stderr_bytes: 0,
      background: false,
      output_removed: false,
    },
    ...{
      state: "exited" as const,
      exit_code: 139,
      signal: "SEGV",
      timed_out: false,
      oom_killed: false,
      canceled: false,
    },
    duration_ms: 12,
  };
  const canceled = { ...entry, sequence: 2, exit_code: 137, signal: "KILL", canceled: true };
  const left = { ...entry, sequence: 3, exit_code: 0, signal: null, background: true };
  const none = { sequence: null, stream: null, offset: null };
  const result = { workspace_id: "ws_x", notes: [], output: null, next_offset: null, total_bytes: null, ...none };
  const text = asSaid(workspaceLogsOperation.text?.({ ...result, entries: [entry, canceled, left] }) ?? "").plain;
  expect(text.split("\n")).toEqual([
    "   1  exit 139       12 ms  make  [ended by signal SEGV]",
    "   2  canceled       12 ms  make",
    "   3  exit 0         12 ms  make  [has left processes running]",
  ]);
});

test("results of workspaces and of one-shots have the same fields for the same facts", () => {
  const own = new Set(["environment", "engine", "accelerator"]);
  const oneShot = Object.keys(runOperation.output.shape).filter((name) => !own.has(name));
  expect(oneShot.filter((name) => !(name in workspaceExecOperation.output.shape))).toEqual([]);
});
