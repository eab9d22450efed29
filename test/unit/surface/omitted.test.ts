// Proves that what a diff leaves out of its patch is said on every surface, with the next call in that surface's words.
import { expect, test } from "vitest";
import { operations } from "../../../src/operations/table.js";
import type { Operation } from "../../../src/operations/operation.js";
import { printResult } from "../../../src/surface/cli/print-result.js";
import { runOperation } from "../../../src/surface/cli/run-operation.js";
import type { Sink } from "../../../src/surface/cli/sink.js";
import { toolResult } from "../../../src/surface/mcp/result.js";
import { toolSpeaker } from "../../../src/surface/mcp/speaker.js";
import { toolsOf } from "../../../src/surface/mcp/tools.js";
import { Pyro } from "../../../src/surface/sdk/pyro.js";
import { worded } from "../../../src/surface/worded.js";
import { fakeDaemon } from "./fake-daemon.js";

const found = operations.find(({ name }) => name === "workspace_diff");
if (found === undefined) throw new Error("There is no diff.");
const diff: Operation = found;

const large = { status: "added", kind: "too_large", reason: "a file of more than 50 MiB, on one side or both" };
const omitted = [
  { path: "big one.bin", ...large },
  { path: "b\u202ead.bin", ...large },
  { path: "logs/", status: "added", kind: "empty_folder", reason: "an empty folder, which git does not keep" },
  { path: "old/", status: "deleted", kind: "empty_folder", reason: "an empty folder, which git does not keep" },
  { path: "p", status: "added", kind: "special_file", reason: "a pipe, which no patch can hold" },
];
const answer = {
  ...{ clean: false, counts: { added: 4 }, ignored: { file_count: 0, paths: [] }, omitted, restarted: false },
  entries: [{ path: "big one.bin", status: "added", size: 60_000_000, omitted: "too_large" }],
  ...{ differs: [], apply: "", patch: "", patch_truncated: false, entries_truncated: false, omitted_truncated: false },
};
const input = { workspace_id: "w-1" };

function memorySink(): Sink & { text(): string } {
  let all = "";
  const write = async (data: string | Uint8Array) => void (all += Buffer.from(data).toString());
  return { isTerminal: false, columns: () => 80, write, pass: write, text: () => all };
}

async function onCommandLine(json: boolean) {
  const [stdout, stderr] = [memorySink(), memorySink()];
  const { connector } = fakeDaemon(() => answer);
  const context = {
    connector,
    stdout,
    stderr,
    json,
    outputFailed: new AbortController().signal,
    settled: () => undefined,
  };
  await runOperation(diff)(input, { ...context, selection: undefined });
  return { stdout: stdout.text(), stderr: stderr.text() };
}

test("a person reads it on one line of standard error, and standard output stays a patch", async () => {
  const { stdout, stderr } = await onCommandLine(false);
  expect(stdout).toBe("");
  expect(stderr).toBe(
    "pyro: Not in the patch: big one.bin, b<U+202E>ad.bin (a file of more than 50 MiB, on one side or both). " +
      "`pyro workspace export w-1 '/workspace/big one.bin' --output HOST_PATH` copies it to the host. " +
      "Not in the patch: logs/ (an empty folder, which git does not keep). " +
      "`pyro workspace export w-1 /workspace/logs --output HOST_PATH` copies it to the host. " +
      "Not in the patch: old/ (an empty folder, which git does not keep). Delete it by hand where the patch is applied. " +
      "Not in the patch: p (a pipe, which no patch can hold). No export holds it either: make it anew where the patch is applied.\n",
  );
});

test("--json has why and what to do for each, in the words of a terminal", async () => {
  const { stdout, stderr } = await onCommandLine(true);
  const { entries, omitted: each } = JSON.parse(stdout) as {
    entries: unknown;
    omitted: readonly { path: string; next: string }[];
  };
  expect([stderr, entries]).toEqual(["", answer.entries]);
  expect(each.map(({ path, next }) => [path, next])).toEqual([
    ["big one.bin", "`pyro workspace export w-1 '/workspace/big one.bin' --output HOST_PATH` copies it to the host."],
    ["b\u202ead.bin", expect.stringContaining("copies it to the host.")],
    ["logs/", "`pyro workspace export w-1 /workspace/logs --output HOST_PATH` copies it to the host."],
    ["old/", "Delete it by hand where the patch is applied."],
    ["p", "No export holds it either: make it anew where the patch is applied."],
  ]);
});

test("a model reads it in text and in structured content, by the tools that it has, and not that nothing changed", () => {
  const speaker = toolSpeaker(toolsOf({ profile: "workspace-core" }));
  const { content, structuredContent } = toolResult(diff, worded({ operation: diff, input }, answer, speaker), speaker);
  const next =
    'workspace_export with workspace_id w-1, path "/workspace/big one.bin", output_path HOST_PATH copies it to the host.';
  expect(content).toEqual([
    {
      type: "text",
      text: expect.stringMatching(/^The patch is empty\.\nNot in the patch: big one\.bin, b<U\+202E>ad\.bin /u),
    },
  ]);
  expect(JSON.stringify(content)).toContain(JSON.stringify(next).slice(1, -1));
  expect(structuredContent).toMatchObject({
    omitted: [{ ...omitted[0], next }, {}, {}, {}, {}],
    entries: answer.entries,
  });
  expect(JSON.stringify(structuredContent)).not.toContain("binary");
});

test("a program has it as properties, by methods", async () => {
  const pyro = new Pyro({ connector: fakeDaemon(() => answer).connector });
  const result = await pyro.diffWorkspace({ workspaceId: "w-1" });
  expect(result.omitted[0]).toEqual({
    ...omitted[0],
    next: '`pyro.exportWorkspace({ workspaceId: "w-1", path: "/workspace/big one.bin", outputPath: "HOST_PATH" })` copies it to the host.',
  });
  expect(result.entries[0]?.binary).toBeUndefined();
});

test("many of a kind are counted, and nothing left out is no word", async () => {
  const many = Array.from({ length: 12 }, (_, at) => ({ path: `f${at}`, ...large, next: "Do it." }));
  const stderr = memorySink();
  const context = { connector: fakeDaemon(() => answer).connector, stdout: memorySink(), stderr, json: false };
  const rest = { outputFailed: new AbortController().signal, settled: () => undefined, selection: undefined };
  await printResult(diff, { ...answer, omitted: many }, { ...context, ...rest });
  await printResult(diff, { ...answer, omitted: [] }, { ...context, ...rest });
  expect(stderr.text()).toBe(
    "pyro: Not in the patch: f0, f1, f2, f3, f4 and 7 more (a file of more than 50 MiB, on one side or both). Do it.\n",
  );
});
