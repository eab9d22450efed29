// Proves that the handlers of a workspace's operations hand on every field of their input, under the domain's names and in its units, and give every result its wire names.

import { expect, test } from "vitest";
import type { Call } from "../../../src/operations/operation.js";
import type { DaemonParts } from "../../../src/operations/parts.js";
import * as commands from "../../../src/operations/workspace-exec.js";
import { workspaceFileReadOperation } from "../../../src/operations/workspace-file-read.js";
import * as files from "../../../src/operations/workspace-files.js";
import * as lives from "../../../src/operations/workspace.js";

/** Workspaces that note what they are asked, and answer as told. */
function asked(answer: object = {}) {
  const seen: unknown[] = [];
  const workspaces = new Proxy(
    {},
    {
      get: (_, method) => (request: unknown) => {
        seen.push([method, request]);
        return Promise.resolve(answer);
      },
    },
  );
  return { seen, parts: { workspaces } as unknown as DaemonParts };
}

function calling<Needs extends Call["needs"]>(needs: Needs, more: Partial<Call> = {}): Call<Needs> {
  return {
    ...{ signal: new AbortController().signal, linger: false, progress: () => undefined },
    ...{ stdin: undefined, hasWholeStdin: () => false, sshAgent: undefined, allowedRoots: undefined, streaming: false },
    ...{ output: () => Promise.resolve(), onSignal: () => undefined },
    ...more,
    needs,
  };
}

const id = "ws_0123456789ab";
const at = "2026-01-02T03:04:05.000Z";
const excerpt = (text: string) => ({ text, truncated: false, base64: undefined });
const outcome = {
  ...{ state: "exited", exitCode: 3, signal: null, timedOut: false, oomKilled: false, canceled: true },
  durationMs: 7,
};
const outcomeOnWire = {
  ...{ state: "exited", exit_code: 3, signal: null, timed_out: false, oom_killed: false, canceled: true },
  duration_ms: 7,
};
const started = { sequence: 2, command: "make", cwd: "/tmp", at };
const ran = {
  ...{ workspace: { id }, started, ended: { outcome, droppedBytes: 5 }, stdout: excerpt("o") },
  ...{ stderr: excerpt("e"), restarted: true, background: [1] },
};
const ranOnWire = {
  ...{ workspace_id: id, sequence: 2, command: "make", cwd: "/tmp", ...outcomeOnWire },
  ...{ stdout: "o", stderr: "e", stdout_truncated: false, stderr_truncated: false, dropped_bytes: 5, restarted: true },
  background_commands: [1],
};
const execInput = {
  ...{ workspace_id: id, command: "make", cwd: "/tmp", timeout_seconds: 1.5, detach: false },
  ...{ wait_seconds: 2, max_output_bytes: 9 },
};

test("exec and wait speak of milliseconds inside, and of their command's outcome outside", async () => {
  const { seen, parts } = asked(ran);
  const exec = commands.workspaceExecOperation.handler;
  expect(await exec?.(parts, execInput, calling("beside"))).toEqual(ranOnWire);
  await exec?.(parts, execInput, calling("beside", { streaming: true }));
  await exec?.(parts, { ...execInput, detach: true }, calling("beside", { streaming: true }));
  const input = { workspace_id: id, sequence: 2, wait_seconds: 2, max_output_bytes: 9 };
  expect(await commands.workspaceWaitOperation.handler?.(parts, input, calling("record"))).toEqual(ranOnWire);
  const request = { id, command: "make", cwd: "/tmp", timeoutMs: 1500, waitMs: 2000, outputBytes: 9 };
  expect(seen).toEqual([
    ["exec", request],
    ["exec", { ...request, outputBytes: 0 }],
    ["exec", { ...request, waitMs: 0 }],
    ["wait", { id, sequence: 2, waitMs: 2000, outputBytes: 9 }],
  ]);
});

test("logs list the commands, or read the output of one", async () => {
  const logs = commands.workspaceLogsOperation.handler;
  const entry = { started, outcome, stdoutBytes: 1, stderrBytes: 2, background: true, outputRemoved: true };
  const listing = asked({ workspace: { id }, entries: [entry], notes: [{ at, text: "stopped" }] });
  const range = { stream: "stderr", offset: 3, max_bytes: 4 } as const;
  expect(await logs?.(listing.parts, { workspace_id: id, ...range }, calling("record"))).toEqual({
    workspace_id: id,
    entries: [
      {
        ...{ sequence: 2, command: "make", cwd: "/tmp", started_at: at, ...outcomeOnWire },
        ...{ stdout_bytes: 1, stderr_bytes: 2, background: true, output_removed: true },
      },
    ],
    ...{ notes: [{ at, text: "stopped" }], output: null, next_offset: null, total_bytes: null },
    ...{ sequence: null, stream: null, offset: null },
  });
  const reading = asked({ workspace: { id }, text: "ab", base64: undefined, nextOffset: 5, totalBytes: 6 });
  expect(await logs?.(reading.parts, { workspace_id: id, sequence: 2, ...range }, calling("record"))).toEqual({
    ...{ workspace_id: id, entries: [], notes: [], output: "ab", next_offset: 5, total_bytes: 6 },
    ...{ sequence: 2, stream: "stderr", offset: 3 },
  });
  expect([...listing.seen, ...reading.seen]).toEqual([
    ["history", id],
    ["output", { id, sequence: 2, stream: "stderr", offset: 3, maxBytes: 4 }],
  ]);
});

test("create and update hand on all that was chosen", async () => {
  const record = {
    ...{ id, name: "n", labels: { a: "b" }, state: "creating", environment: { name: "debian:12" } },
    ...{ vcpu_count: 2, mem_mib: 256, ttl_seconds: 60, network_policy: "off", created_at: at, last_reset_at: null },
    ...{ stopped_at: null, failure: null, seed: null },
  };
  const state = { at: "creating", phase: "Unpacking" };
  const { seen, parts } = asked({ id, record, state, usedAt: Date.parse(at), deletesAt: Date.parse(at) });
  const seed = { seed_path: "/s", project_path: "/p", repo_url: "u", repo_ref: "r", include: ["i"] };
  const shape = { vcpu_count: 2, mem_mib: 256, ttl_seconds: 60 };
  const create = { environment: "debian:12", name: "n", labels: { a: "b" }, ...shape };
  const input = { ...create, ...seed, allow_host_paths: ["/h"], wait_seconds: 0.5 };
  const made = await lives.workspaceCreateOperation.handler?.(parts, input, calling(undefined));
  expect(made).toEqual({
    ...{ workspace_id: id, ...create, state: "creating", network_policy: "off", created_at: at, last_active_at: at },
    ...{ last_reset_at: null, stopped_at: null, deletes_at: at, failure: null, phase: "Unpacking" },
    workspace_seed: null,
  });
  const update = { workspace_id: id, name: "n", clear_name: true, labels: { a: "b" }, clear_labels: ["c"] };
  expect(await lives.workspaceUpdateOperation.handler?.(parts, update, calling("record"))).toEqual(made);
  const inside = { environment: "debian:12", name: "n", labels: { a: "b" }, vcpuCount: 2, memMib: 256 };
  expect(seen).toEqual([
    ["create", { ...inside, ttlSeconds: 60, waitMs: 500, seed: { ...seed, allow_host_paths: ["/h"] } }],
    ["update", { id, name: "n", clearName: true, labels: { a: "b" }, clearLabels: ["c"] }],
  ]);
});

test("files are read, listed, patched and compared within the bounds that were asked for", async () => {
  const lines = { startLine: 2, lineCount: 3, totalLines: 4, byteOffset: 5, nextByteOffset: 6, endsLine: false };
  const found = { path: "a", text: "x", base64: "eA==", ...lines, totalBytes: 9, truncated: true, restarted: false };
  const read = asked(found);
  const input = { workspace_id: id, path: "a", start_line: 1, line_count: 8, byte_offset: 5, max_bytes: 2 };
  expect(await workspaceFileReadOperation.handler?.(read.parts, input, calling("beside"))).toEqual({
    ...{ workspace_id: id, path: "a", content: "x", content_base64: "eA==", start_line: 2, line_count: 3 },
    ...{ total_lines: 4, byte_offset: 5, next_byte_offset: 6, ends_line: false, total_bytes: 9 },
    ...{ truncated: true, restarted: false },
  });
  const entry = { path: "l", kind: "symlink", size: 1, mode: "0777" };
  const entries = [{ ...entry, modifiedAt: at, linkTarget: "t" }];
  const list = asked({ path: "a", entries, truncated: false, restarted: false });
  const folder = { workspace_id: id, path: "a", recursive: true, max_entries: 3 };
  expect(await files.workspaceFileListOperation.handler?.(list.parts, folder, calling("beside"))).toEqual({
    ...{ path: "a", entries: [{ ...entry, modified_at: at, link_target: "t" }], truncated: false, restarted: false },
  });
  const patch = asked({ changed: false, alreadyApplied: true, files: [], restarted: false });
  const text = { workspace_id: id, patch: "p" };
  expect(await files.workspacePatchApplyOperation.handler?.(patch.parts, text, calling("alone"))).toEqual({
    ...{ changed: false, already_applied: true, files: [], restarted: false },
  });
  const diff = asked({ clean: true });
  const bounds = { workspace_id: id, paths: ["a"], include_ignored: true, max_patch_characters: 4 };
  expect(await files.workspaceDiffOperation.handler?.(diff.parts, bounds, calling("beside"))).toEqual({ clean: true });
  expect([...read.seen, ...list.seen, ...patch.seen, ...diff.seen]).toEqual([
    ["readFile", { id, path: "a", startLine: 1, lineCount: 8, byteOffset: 5, maxBytes: 2 }],
    ["listFiles", { id, path: "a", recursive: true, maxEntries: 3 }],
    ["applyPatch", { id, patch: "p" }],
    ["diff", { id, paths: ["a"], includeIgnored: true, maxPatchCharacters: 4 }],
  ]);
});

test("an export and a push name their places on the host", async () => {
  const counts = { fileCount: 1, byteCount: 2, skipped: [], restarted: false };
  const onWire = { file_count: 1, byte_count: 2, skipped: [], restarted: false };
  const out = asked({ outputPath: "/o", kind: "symlink", linkTarget: "t", ...counts });
  const target = { workspace_id: id, path: "a", output_path: "/o", force: true };
  expect(await files.workspaceExportOperation.handler?.(out.parts, target, calling("beside"))).toEqual({
    ...{ output_path: "/o", kind: "symlink", link_target: "t", ...onWire },
  });
  const push = asked({ dest: "/workspace/d", ...counts });
  const source = { workspace_id: id, source_path: "/s", dest: "d", allow_host_paths: ["/h"] };
  expect(await files.workspaceSyncPushOperation.handler?.(push.parts, source, calling("alone"))).toEqual({
    ...{ dest: "/workspace/d", ...onWire },
  });
  expect([...out.seen, ...push.seen]).toEqual([
    ["export", { id, path: "a", outputPath: "/o", force: true }],
    ["pushSync", { id, sourcePath: "/s", dest: "d", allowHostPaths: ["/h"] }],
  ]);
});
