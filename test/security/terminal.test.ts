// Proves that no text steers the terminal it is shown on, whoever wrote it. Starts no machine.
import { PassThrough } from "node:stream";
import { Code, ConnectError, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { asPyroError, PyroError } from "../../src/base/error.js";
import { asFileError, explainFailures } from "../../src/guest/errors.js";
import { hostDoctorOperation } from "../../src/operations/host.js";
import type { Operation } from "../../src/operations/operation.js";
import { workspaceFileReadOperation } from "../../src/operations/workspace-file-read.js";
import { workspaceDiffOperation } from "../../src/operations/workspace-files.js";
import { workspaceListOperation } from "../../src/operations/workspace.js";
import { workspaceLogsOperation } from "../../src/operations/workspace-exec.js";
import { printResult } from "../../src/surface/cli/print-result.js";
import { progressDisplay } from "../../src/surface/cli/progress-display.js";
import { createSink } from "../../src/surface/cli/sink.js";
import { toolError } from "../../src/surface/mcp/result.js";
import type { CommandContext } from "../../src/surface/cli/command.js";

/** A title, a clipboard, a colour, a cleared screen, an old and a new control, an overprinted line, a turned one. */
const hostile = "a\u001b]0;t\u0007\u001b]52;c;x\u0007\u001b[31m\u001b[2J\u009b1m\u0090q\u007f\r\u202eb";
const shown = "a^[]0;t^G^[]52;c;x^G^[[31m^[[2J<U+009B>1m<U+0090>q^?^M<U+202E>b";
const obeyed = /[^\P{Cc}\n\t]|[\u2028-\u202e\u2066-\u2069]/u;

function screen(isTTY: boolean, guard: "always" | "terminal") {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 400 });
  const sink = createSink(stream, { guard, onFailure: () => undefined });
  return { sink, text: () => String(stream.read() ?? "") };
}

/** What a person sees of this result. */
async function printed(operation: Operation, result: Record<string, unknown>, more: Partial<CommandContext> = {}) {
  const stdout = screen(true, "terminal");
  const stderr = screen(true, "always");
  const context = { json: false, selection: undefined, stdout: stdout.sink, stderr: stderr.sink, ...more };
  await printResult(operation, result, context as CommandContext);
  return stdout.text() + stderr.text();
}

const workspace = {
  ...{ workspace_id: "ws_x", name: null, labels: { note: `${hostile}\nws_y  running` }, state: "running" },
  ...{ environment: "debian:12", vcpu_count: 1, mem_mib: 1024, ttl_seconds: 0, network_policy: "off" },
  ...{ created_at: "", last_active_at: "", last_reset_at: null, stopped_at: null, deletes_at: null, phase: null },
  ...{ failure: null, workspace_seed: null },
};

test("a label, a command, a file's name, a finding and a file's content reach a terminal with their controls visible", async () => {
  const ended = { sequence: 1, cwd: "/", started_at: "", state: "exited", exit_code: 0, signal: null, duration_ms: 1 };
  const entry = { ...ended, timed_out: false, oom_killed: false, canceled: false, stdout_bytes: 0, stderr_bytes: 0 };
  const finding = { code: "host_start", host: "codex", title: "Codex", severity: "error", text: hostile, fix: null };
  const texts = [
    await printed(workspaceListOperation, { workspaces: [workspace], quarantined: [], newer: [] }),
    await printed(workspaceLogsOperation, {
      workspace_id: "ws_x",
      entries: [{ ...entry, command: hostile }],
      output: null,
      notes: [],
    }),
    await printed(workspaceLogsOperation, { workspace_id: "ws_x", entries: [], notes: [], output: hostile }),
    await printed(workspaceDiffOperation, {
      ...{ omitted: [], differs: [], apply: "" },
      ...{ clean: false, counts: {}, patch: `+${hostile}\n`, patch_truncated: false, entries_truncated: false },
      ...{ entries: [], ignored: { file_count: 1, paths: [hostile] }, restarted: false },
    }),
    await printed(hostDoctorOperation, { ok: false, hosts: [], findings: [finding] }),
    await printed(workspaceFileReadOperation, { content: hostile }, { selection: { field: "content", how: "raw" } }),
  ];
  expect(texts.filter((text) => obeyed.test(text) || !text.includes(shown))).toEqual([]);
  // One workspace is one line, also when its label says otherwise.
  expect(texts[0]?.trimEnd().split("\n")).toHaveLength(2);
});

test("an error and a phase show their controls, on a terminal and in a log", async () => {
  for (const isTerminal of [true, false]) {
    const stderr = screen(isTerminal, "always");
    let now = 0;
    const display = progressDisplay(stderr.sink, () => now);
    now = 7000;
    display.update({ phase: hostile, message: `${hostile}\nforged` });
    display.stop();
    await stderr.sink.write(`pyro: ${new PyroError("internal", hostile).message}\n`);
    const text = stderr.text().replaceAll("\r\u001b[K", "");
    expect({ obeyed: obeyed.test(text), lines: text.split("\n").length > 4 }).toEqual({ obeyed: false, lines: false });
    expect(text.split(shown).length).toBeGreaterThan(2);
  }
});

test("what programs read stays as it is: a command's output, a document, and a patch in a file", async () => {
  const file = screen(false, "terminal");
  await file.sink.write(hostile);
  const terminal = screen(true, "always");
  await terminal.sink.pass(Buffer.from(hostile));
  expect([file.text(), terminal.text()]).toEqual([hostile, hostile]);
  const document = await printed(
    workspaceListOperation,
    { workspaces: [workspace], quarantined: [], newer: [] },
    { json: true },
  );
  expect(JSON.parse(document)).toEqual({ workspaces: [workspace], quarantined: [], newer: [] });
});

test("what a guest says of a failure is 500 characters on one line, without its details, to a person and to a model", async () => {
  const said = `${hostile}\n${"x".repeat(4_000_000)}`;
  const fail = async (code: Code): Promise<unknown> => {
    const lie = new ConnectError(said, code, { "x-huge": "x".repeat(100_000) });
    const call = explainFailures(() => Promise.reject(lie));
    const request = { signal: new AbortController().signal } as UnaryRequest;
    return call(request).then(
      () => undefined,
      (error: unknown) => error,
    );
  };
  const texts = [
    asPyroError(await fail(Code.Unknown)),
    asPyroError(await fail(Code.Internal)),
    asPyroError(asFileError(await fail(Code.NotFound), "/workspace/a")),
    asPyroError(asFileError(await fail(Code.PermissionDenied), "/workspace/a")),
  ].map((error) => JSON.stringify(toolError(error).structuredContent));
  expect(texts.filter((text) => text.length > 900 || obeyed.test(text) || text.includes("\\n"))).toEqual([]);
});

test("a guest's failure in the middle of a stream is cut as well", async () => {
  async function* broken() {
    yield 1;
    throw new ConnectError("y".repeat(100_000), Code.DataLoss);
  }
  const response = { stream: true, message: broken() } as unknown as UnaryResponse;
  const request = { signal: new AbortController().signal } as UnaryRequest;
  const { message } = await explainFailures(() => Promise.resolve(response))(request);
  const read = async () => {
    for await (const _ of message as unknown as AsyncIterable<number>);
  };
  const error = await read().then(
    () => "no failure",
    (thrown: unknown) => asPyroError(thrown).message,
  );
  expect([error.startsWith("The machine failed: yyy"), error.length < 600]).toEqual([true, true]);
});
