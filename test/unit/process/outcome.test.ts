// Proves that how a program ended is said in full, the same way everywhere, and that a signal has the name that a person knows.

import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { runOperation } from "../../../src/operations/run.js";
import { workspaceExecOperation, workspaceLogsOperation } from "../../../src/operations/workspace-exec.js";
import { notExited, outcomeView, reasonsOf, viewOfOutcome, type Exited } from "../../../src/process/outcome.js";
import { outputView, programView } from "../../../src/process/output.js";
import { signalName, signalNumber } from "../../../src/process/signal-name.js";

const killed: Exited = {
  ...{ state: "exited", exitCode: 137, signal: "KILL", timedOut: false, oomKilled: true, canceled: false },
  durationMs: 12,
};
const view = {
  ...{ state: "exited", exit_code: 137, signal: "KILL", timed_out: false, oom_killed: true, canceled: false },
  duration_ms: 12,
};

describe("a signal", () => {
  test("has the name by which the host's own table knows its number", () => {
    const aliases = new Set(["SIGIOT", "SIGPOLL", "SIGUNUSED"]);
    const table = Object.entries(constants.signals).filter(([name]) => !aliases.has(name));
    expect(table.map(([, number]) => `SIG${signalName(number)}`)).toEqual(table.map(([name]) => name));
    expect(table.map(([name]) => signalNumber(name.slice(3)))).toEqual(table.map(([, number]) => number));
  });

  test("of real time is counted from the first, and what is no signal has no name", () => {
    expect([32, 34, 36, 64].map(signalName)).toEqual(["RTMIN-2", "RTMIN", "RTMIN+2", "RTMIN+30"]);
    expect([0, -1, 65, 2 ** 31, 1.5].map(signalName)).toEqual([null, null, null, null, null]);
    expect(["toString", "", "SIGKILL", "kill"].map(signalNumber)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("an outcome", () => {
  test("is spelled with every field, by its own schema", () => {
    const outcomes = [killed, notExited("running", 5), notExited("lost", 0)];
    expect(outcomes.map((outcome) => outcomeView.strict().parse(viewOfOutcome(outcome)))).toEqual([
      view,
      { ...view, state: "running", exit_code: null, signal: null, oom_killed: false, duration_ms: 5 },
      { ...view, state: "lost", exit_code: null, signal: null, oom_killed: false, duration_ms: 0 },
    ]);
  });

  test("stands in the results of one-shots, commands of workspaces and their history, under the same names", () => {
    const names = Object.keys(programView.shape);
    const entry = workspaceLogsOperation.output.shape.entries.element;
    expect(
      [runOperation.output, workspaceExecOperation.output].map(({ shape }) => names.filter((name) => !(name in shape))),
    ).toEqual([[], []]);
    expect(Object.keys(outcomeView.shape).filter((name) => !(name in entry.shape))).toEqual([]);
  });

  test("of a busy daemon of earlier code, which says neither state nor signal, is read", () => {
    const { state: _, signal: __, canceled: ___, ...earlier } = view;
    const output = {
      ...{ stdout: "", stderr: "", stdout_truncated: false, stderr_truncated: false },
      dropped_bytes: 0,
    };
    expect(outputView.parse(output)).toEqual(output);
    const result = { environment: "debian:12", engine: "qemu", accelerator: "kvm", ...earlier, ...output };
    expect(runOperation.output.parse(result)).toEqual({ ...result, state: "exited", signal: null, canceled: false });
  });

  test("names the signal, but not one that was ours where its cause is named", () => {
    const plain = { ...view, exit_code: 0, signal: null, oom_killed: false };
    const cases = [
      plain,
      view,
      { ...plain, signal: "SEGV" },
      { ...view, timed_out: true },
      { ...view, canceled: true },
    ];
    expect(cases.map(reasonsOf)).toEqual([
      [],
      ["out of memory", "ended by signal KILL"],
      ["ended by signal SEGV"],
      ["timed out", "out of memory"],
      ["out of memory", "canceled"],
    ]);
  });
});
