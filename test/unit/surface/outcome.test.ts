// Proves that whoever waits for a command is told why it was killed, and that a script's standard error is otherwise the command's alone.

import { describe, expect, test } from "vitest";
import { asSaid } from "../../../src/base/say.js";
import { runOperation } from "../../../src/operations/run.js";
import {
  workspaceExecOperation,
  workspaceLogsOperation,
  workspaceWaitOperation,
} from "../../../src/operations/workspace-exec.js";
import type { CommandContext } from "../../../src/surface/cli/command.js";
import { finishCommand } from "../../../src/surface/cli/guest-command.js";
import type { OperationCall } from "../../../src/surface/connection.js";
import { ranFine } from "./fake-daemon.js";

const killed = { ...ranFine, exit_code: 137, signal: "KILL", oom_killed: true };

const timedOut = { ...ranFine, exit_code: 124, signal: "KILL", timed_out: true };
const ofRun: OperationCall = { operation: runOperation, input: { timeout_seconds: 2, mem_mib: 256 } };

/** What a command line prints of a result, and what it exits with. */
async function finished(result: Record<string, unknown>, isTerminal: boolean, call: OperationCall = ofRun) {
  let stderr = "";
  const write = (text: string) => Promise.resolve(void (stderr += text));
  const pass = () => Promise.resolve();
  const sink = { isTerminal, columns: () => 80, write, pass };
  const context = { json: false, selection: undefined, stdout: { ...sink, write: pass }, stderr: sink };
  const ran = runOperation.output.parse(result);
  return { code: await finishCommand({ call, result, ran }, context as unknown as CommandContext), stderr };
}

describe("on the command line, a command that was killed", () => {
  const sentence = "pyro: The command ended with exit code";

  test("by its time-out, or for lack of memory, is explained in one line to a person and to a script", async () => {
    const oom = `${sentence} 137: out of memory, ended by signal KILL. --mem-mib gives it more than 256 MiB.\n`;
    const late = `${sentence} 124: timed out. --timeout-seconds gives it more than 2 s.\n`;
    for (const isTerminal of [true, false]) {
      expect(await finished(killed, isTerminal)).toEqual({ code: 137, stderr: oom });
      expect(await finished(timedOut, isTerminal)).toEqual({ code: 124, stderr: late });
    }
  });

  test("by a signal is explained to a person alone, unless that was Ctrl-C", async () => {
    const crashed = { ...ranFine, exit_code: 139, signal: "SEGV" };
    const interrupted = { ...ranFine, exit_code: 130, signal: "INT" };
    expect(await finished(crashed, true)).toEqual({
      code: 139,
      stderr: `${sentence} 139: ended by signal SEGV.\n`,
    });
    const quiet = [finished(crashed, false), finished(interrupted, true), finished(ranFine, true)];
    expect((await Promise.all(quiet)).map(({ stderr }) => stderr)).toEqual(["", "", ""]);
  });

  test("in a workspace is told where its time and memory are set", async () => {
    const call = { operation: workspaceWaitOperation, input: { workspace_id: "fix", sequence: 3 } };
    const ran = { ...timedOut, workspace_id: "ws_x", sequence: 3 };
    const told = [await finished(ran, false, call), await finished({ ...ran, ...killed }, false, call)];
    expect(told.map(({ stderr }) => stderr)).toEqual([
      `${sentence} 124: timed out. --timeout-seconds of \`pyro workspace exec ID -- COMMAND\` gives the next one more time.\n`,
      `${sentence} 137: out of memory, ended by signal KILL. --mem-mib of \`pyro workspace create\` gives a workspace more memory.\n`,
    ]);
  });
});

test("a command that was not found, and that only a shell would have understood, is told so", async () => {
  const call = { operation: workspaceExecOperation, input: { workspace_id: "fix", command: ["ls | wc -l"] } };
  expect((await finished({ ...ranFine, exit_code: 127 }, false, call)).stderr).toBe(
    "pyro: There is no shell around the command: pyro workspace exec fix -- sh -c 'ls | wc -l'\n",
  );
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
