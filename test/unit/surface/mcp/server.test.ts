// Proves how MCP calls end: in time, within what hosts take, and as results that a model can act on.
import { InMemoryTransport, type CallToolResult } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { Client } from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { call, either, say } from "../../../../src/base/say.js";
import { envListOperation } from "../../../../src/operations/env.js";
import { runOperation } from "../../../../src/operations/run.js";
import { workspaceExecOperation } from "../../../../src/operations/workspace-exec.js";
import { workspaceFileReadOperation } from "../../../../src/operations/workspace-file-read.js";
import { workspaceDiffOperation } from "../../../../src/operations/workspace-files.js";
import { gapLine } from "../../../../src/process/excerpt.js";
import { toolResult } from "../../../../src/surface/mcp/result.js";
import { createServer } from "../../../../src/surface/mcp/server.js";
import { toolSpeaker } from "../../../../src/surface/mcp/speaker.js";
import { toolsOf } from "../../../../src/surface/mcp/tools.js";
import { cut, shrink } from "../../../../src/surface/mcp/shrink.js";
import { fakeDaemon, ranFine, untilCanceled, type Answer } from "../fake-daemon.js";

const quick = { deadlineMs: 60_000, progressMs: 5 };

const speaker = toolSpeaker(toolsOf({ profile: "workspace-core" }));

interface Connection {
  readonly times?: typeof quick;
  readonly profile?: "vm-run" | "workspace-core";
  /** As whom the client names itself. */
  readonly as?: { readonly name: string; readonly version: string };
}

/** Both eras of the protocol: with a handshake, and with requests that stand by themselves. */
const eras = ["2025-11-25", "2026-07-28"] as const;

function connectIn(era: (typeof eras)[number]) {
  return async (
    answer: Answer,
    { times = quick, profile = "vm-run", as = { name: "test", version: "1" } }: Connection = {},
  ) => {
    const daemon = fakeDaemon(answer);
    const [theirs, ours] = InMemoryTransport.createLinkedPair();
    serveStdio(() => createServer({ profile, connector: daemon.connector, times }), { transport: ours });
    const client = new Client(as, era === "2026-07-28" ? { versionNegotiation: { mode: { pin: era } } } : {});
    await client.connect(theirs);
    expect(client.getNegotiatedProtocolVersion()).toBe(era);
    return { client, daemon };
  };
}

test("what a diff leaves out is said below its text, also where it is empty", () => {
  const clean = { clean: true, entries: [], counts: {}, patch: "", patch_truncated: false, entries_truncated: false };
  const ignored = { file_count: 3000, paths: ["dist/", "node_modules/"] };
  expect(toolResult(workspaceDiffOperation, { ...clean, ignored, restarted: false }, speaker).content).toEqual([
    {
      type: "text",
      text:
        "Nothing has changed.\nLeft out, as git ignores them: 3000 files (dist/, node_modules/). " +
        "include_ignored shows them.",
    },
  ]);
});

describe.each(eras)("a client of %s", (era) => {
  const connect = connectIn(era);

  test("initialize and tools/list need no daemon", async () => {
    const { client, daemon } = await connect(() => ranFine);
    const { tools } = await client.listTools();
    expect([tools.map(({ name }) => name), daemon.starts()]).toEqual([["vm_run"], 0]);
  });

  test("a call gets its defaults and comes back as structured content and compact text", async () => {
    const { client, daemon } = await connect(() => ({ ...ranFine, exit_code: 3, stdout: "out\n", stderr: "err\n" }));
    const result = await client.callTool({ name: "vm_run", arguments: { command: "x" } });
    expect(daemon.calls).toEqual([
      {
        name: "vm_run",
        input: {
          environment: "debian:12",
          command: "x",
          vcpu_count: 1,
          allow_host_compat: false,
          mem_mib: 1024,
          timeout_seconds: 30,
          max_output_bytes: 20_000,
        },
      },
    ]);
    expect(result).toMatchObject({
      content: [{ type: "text", text: "[exit code 3, 12 ms]\nout\n[stderr]\nerr\n" }],
      structuredContent: { ...ranFine, exit_code: 3, stdout: "out\n", stderr: "err\n" },
    });
  });

  test.each([
    [
      { command: "x", bogus: 1 },
      "Unknown field bogus. Known are: command, environment, vcpu_count, mem_mib, timeout_seconds, allow_host_compat.",
    ],
    [{ command: "x", mem_mb: 1 }, "Unknown field mem_mb. Did you mean mem_mib?"],
    [{}, "command is required."],
    [{ command: "x", timeout_seconds: 41 }, "timeout_seconds must be at most 40."],
  ])("%j is refused as a result that names the field", async (args, message) => {
    const { client, daemon } = await connect(() => ranFine);
    const result = await client.callTool({ name: "vm_run", arguments: args });
    const error = { code: "invalid_argument", message, hint: "Correct it and call again." };
    expect([result.isError, result.structuredContent, daemon.starts()]).toEqual([true, { error }, 0]);
  });

  test("an error of the daemon is a result with its hint", async () => {
    const { client } = await connect(() => {
      throw new PyroError("not_found", "No such environment.", { hint: "Use debian:12." });
    });
    const result = await client.callTool({ name: "vm_run", arguments: { command: "x" } });
    expect(result).toMatchObject({
      isError: true,
      content: [{ type: "text", text: "not_found: No such environment.\nUse debian:12." }],
      structuredContent: { error: { code: "not_found", message: "No such environment.", hint: "Use debian:12." } },
    });
  });

  test("a call that is not done in time is canceled and says where it was", async () => {
    const installing = { phase: "install", message: "Installing debian:12", done: 1, total: 4 };
    const { client } = await connect(
      (_call, { onProgress, signal }) => {
        onProgress?.(installing);
        return untilCanceled(signal);
      },
      { times: { deadlineMs: 20, progressMs: 5 } },
    );
    const result = await client.callTool({ name: "vm_run", arguments: { command: "x" } });
    expect(result.structuredContent).toEqual({
      error: {
        code: "deadline_exceeded",
        message: "vm_run was not done after 0 s and was canceled. It was at: Installing debian:12, 25 %.",
        hint: "Call again in a moment: an environment that is being installed goes on installing.",
      },
    });
  });

  test("a client that asks for progress gets it, growing and with the phase", async () => {
    const seen: { progress: number; message?: string | undefined }[] = [];
    const enough = new AbortController();
    const { client } = await connect((_call, { onProgress, signal }) => {
      onProgress?.({ phase: "boot", message: "Starting a machine" });
      return untilCanceled(signal);
    });
    const onprogress = (event: { progress: number; message?: string | undefined }) => {
      seen.push(event);
      if (seen.length === 2) enough.abort();
    };
    await client
      .callTool({ name: "vm_run", arguments: { command: "x" } }, { onprogress, signal: enough.signal })
      .catch(() => undefined);
    expect(seen.map(({ message }) => message)).toEqual(["Starting a machine · 0 s", "Starting a machine · 0 s"]);
  });

  test("cancellation reaches the daemon", async () => {
    let arrived = (): void => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let canceled: Promise<unknown> = Promise.resolve();
    const { client } = await connect((_call, { signal }) => {
      canceled = untilCanceled(signal).catch((reason: unknown) => reason);
      arrived();
      return canceled;
    });
    const stop = new AbortController();
    const call = client
      .callTool({ name: "vm_run", arguments: { command: "x" } }, { signal: stop.signal })
      .catch(() => "canceled");
    await arrival;
    stop.abort();
    await canceled;
    expect(await call).toBe("canceled");
  });

  test("a command may take longer where the client was seen to wait, and hears of it", async () => {
    const waits: unknown[] = [];
    const ask = async (as: { readonly name: string; readonly version: string }, onprogress?: () => void) => {
      const { client, daemon } = await connect(() => ranFine, { profile: "workspace-core", as });
      const args = { workspace_id: "ws_aaaaaaaaaaaa", command: "true" };
      await client.callTool(
        { name: "workspace_exec", arguments: args },
        onprogress === undefined ? {} : { onprogress },
      );
      waits.push(Object(daemon.calls[0]?.input)["wait_seconds"]);
    };
    const claude = { name: "claude-code", version: "2.1.332" };
    await ask(claude, () => undefined);
    await ask(claude);
    await ask({ name: "other", version: "3.0.0" }, () => undefined);
    expect(waits).toEqual([105, 40, 40]);
  });

  test("a hint that names a call names a tool of this server, or what the user can do in a terminal", async () => {
    const hint = say`${either(say`Reset it by ${call("workspace_reset")}. `)}${call("doctor")} says more.`;
    const { client } = await connect(() => Promise.reject(new PyroError("unavailable", "Gone.", { hint })));
    expect((await client.callTool({ name: "vm_run", arguments: { command: "x" } })).content).toEqual([
      { type: "text", text: "unavailable: Gone.\n`pyro doctor` (which the user runs in a terminal) says more." },
    ]);
  });
});

function longestChannel({ content, structuredContent }: CallToolResult): number {
  return Math.max(...content.map((block) => JSON.stringify(block).length), JSON.stringify(structuredContent).length);
}

/** Of 4 lines the middle two are left out. */
const gap = {
  ...{ at: 2, byte_offset: 2, byte_count: 4, first_line: 2, last_line: 3, total_lines: 4, whole_lines: true },
};
const cutOutput = { stdout: `a\n${gapLine(gap)}\nd\n`, stdout_truncated: true, stdout_gap: gap };

test("where output is left out stands how much, and the call that reads it, in both channels", () => {
  const ran = { ...ranFine, ...cutOutput, workspace_id: "ws_x", sequence: 7, command: "x", cwd: "/", restarted: false };
  const stdout =
    "a\n[… lines 2–3 of 4 left out here, 4 bytes; workspace_logs with workspace_id ws_x, sequence 7, stream stdout, " +
    "offset 2 reads it …]\nd\n";
  expect(toolResult(workspaceExecOperation, ran, speaker)).toEqual({
    content: [{ type: "text", text: `[exit code 0, command 7, 12 ms]\n${stdout.slice(0, -1)}` }],
    structuredContent: expect.objectContaining({ stdout }) as object,
  });
  expect(toolResult(runOperation, { ...ranFine, ...cutOutput }, speaker).content).toEqual([
    {
      type: "text",
      text: "[exit code 0, 12 ms]\na\n[… lines 2–3 of 4 left out here, 4 bytes; run it with less output (grep, head, tail, sed -n) …]\nd",
    },
  ]);
});

const read = {
  ...{ workspace_id: "ws_x", path: "/workspace/a", content: "b\nc\n", start_line: 2, line_count: 2, total_lines: 9 },
  ...{ byte_offset: 2, next_byte_offset: 6, ends_line: true, total_bytes: 18, truncated: true, restarted: false },
};

function textOf(result: object): string {
  const [block] = toolResult(workspaceFileReadOperation, { ...result }, speaker).content;
  return block?.type === "text" ? block.text : "";
}

test("a file reads with line numbers, and its last line says which these are and the call that reads on", () => {
  const file = "workspace_file_read with workspace_id ws_x, path /workspace/a";
  expect([
    textOf(read),
    textOf({ ...read, next_byte_offset: null, total_lines: 3, truncated: false }),
    textOf({ ...read, content: "bb", line_count: 1, ends_line: false, next_byte_offset: 4 }),
    textOf({ ...read, content: "b\n", line_count: 1, total_lines: null }),
    textOf({ ...read, content: "b\n", line_count: 1, start_line: null, total_lines: null }),
    textOf({ ...read, content: "", line_count: 0, total_bytes: 0, next_byte_offset: null }),
    textOf({ ...read, content: "", line_count: 0, next_byte_offset: null }),
  ]).toEqual([
    `    2\tb\n    3\tc\n[lines 2–3 of 9; ${file}, offset 4 reads on]`,
    "    2\tb\n    3\tc\n[lines 2–3 of 3]",
    `    2\tbb\n[line 2 of 9, cut within a line at byte 4 of 18; ${file}, byte_offset 4 goes on]`,
    `    2\tb\n[line 2; ${file}, byte_offset 6 reads on]`,
    `b\n[1 lines from byte 2 of 18 on; ${file}, byte_offset 6 reads on]`,
    "[the file is empty]",
    "[the file has 9 lines]",
  ]);
});

test("a file is asked for in lines under either name, and for less where a result would not fit", async () => {
  const asked: unknown[] = [];
  const daemon = fakeDaemon(({ input }) => {
    asked.push(input);
    return { ...read, content: "\u0001".repeat(Number(Object(input).max_bytes)) };
  });
  const [theirs, ours] = InMemoryTransport.createLinkedPair();
  await createServer({ connector: daemon.connector, times: quick }).connect(ours);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(theirs);
  const name = "workspace_file_read";
  for (const lines of [
    { offset: 3, limit: 5 },
    { start_line: 3, line_count: 5 },
  ]) {
    await client.callTool({ name, arguments: { workspace_id: "ws_x", path: "a", ...lines } });
  }
  const wanted = { workspace_id: "ws_x", path: "a", start_line: 3, line_count: 5 };
  const tries = [20_000, 10_000, 5000].map((max_bytes) => ({ ...wanted, max_bytes }));
  expect(asked).toEqual([...tries, ...tries]);
});

test("long output comes back as head and tail, and the whole result fits", () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index}\n`).join("");
  const result = toolResult(
    runOperation,
    {
      ...ranFine,
      stdout: lines(100_000),
      stderr: lines(100_000),
      stdout_base64: "x",
    },
    speaker,
  );
  const { stdout, stdout_truncated, stdout_base64 } = Object(result.structuredContent);
  expect(longestChannel(result)).toBeLessThanOrEqual(48_000);
  expect([stdout_truncated, stdout_base64]).toEqual([true, undefined]);
  expect(stdout).toMatch(/^0\n1\n2\n[^]*\[… \d+ characters cut here; [^]*99998\n99999\n$/u);
});

test("output full of escapes fits as well", () => {
  const result = toolResult(runOperation, { ...ranFine, stdout: "\u0001".repeat(50_000) }, speaker);
  expect(longestChannel(result)).toBeLessThanOrEqual(48_000);
});

test("a cut says how much is missing and splits no character", () => {
  expect(cut("short", 5)).toBe("short");
  expect(cut(`${"a".repeat(9)}😀${"b".repeat(9)}`, 20)).toBe(`${"a".repeat(9)}😀${"b".repeat(9)}`);
  expect(cut(`${"a".repeat(4)}😀${"c".repeat(10)}😀${"b".repeat(4)}`, 10)).toMatch(
    /^aaaa\n\[… 14 characters cut here;.*\]\nbbbb$/u,
  );
});

test("short results of other operations are left alone", () => {
  expect(toolResult(envListOperation, { environments: [] }, speaker)).toEqual({
    content: [{ type: "text", text: "(nothing)" }],
    structuredContent: { environments: [] },
  });
});

test("a profile that is not built is refused by name", () => {
  expect(() => createServer({ profile: "workspace-full", connector: fakeDaemon(() => undefined).connector })).toThrow(
    "The profile workspace-full is not built yet.",
  );
});

test("a long list loses its end and says so, and texts beside it stay whole", () => {
  const entries = Array.from({ length: 1500 }, (_, index) => ({
    path: `file-${index}`.padEnd(60, "x"),
    status: "added",
  }));
  const patch = "+line\n".repeat(2000);
  const bounds = { characters: 20_000, items: 400, whole: [] };
  const { value, leftOut } = shrink({ entries, patch }, bounds, [
    "entries",
    "patch",
    "patch_truncated",
    "entries_truncated",
  ]);
  expect([leftOut, value["entries_truncated"], value["patch_truncated"]]).toEqual([1100, true, undefined]);
  expect([value["patch"], value["entries"]]).toEqual([patch, entries.slice(0, 400)]);
});

test("bytes are left out and deep texts are cut, at every depth", () => {
  const long = "x".repeat(5000);
  const { value } = shrink({ list: [{ a_base64: "AA==", text: long }] }, { characters: 20_000, items: 10, whole: [] }, [
    "list",
  ]);
  expect(value["list"]).toEqual([{ text: cut(long, 2000) }]);
});

test("a client of 2026-07-28 may keep what the server offers for an hour, and gets it in one order", async () => {
  const [theirs, ours] = InMemoryTransport.createLinkedPair();
  const { connector } = fakeDaemon(() => undefined);
  serveStdio(() => createServer({ connector }), { transport: ours });
  await theirs.start();
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const ask = (method: string, id: number) =>
    new Promise<Readonly<Record<string, unknown>>>((resolve) => {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport is no event target
      theirs.onmessage = (message) => resolve(Object(Object(message)["result"]));
      void theirs.send({ jsonrpc: "2.0", id, method, params: { _meta } });
    });
  const kept = { ttlMs: 3_600_000, cacheScope: "private" };
  expect(await ask("server/discover", 1)).toMatchObject({ ...kept, supportedVersions: ["2026-07-28"] });
  const first = await ask("tools/list", 2);
  const names = toolsOf({ profile: "workspace-core" }).map(({ tool }) => ({ name: tool.name }));
  expect(first).toMatchObject({ ...kept, tools: names });
  expect(await ask("tools/list", 3)).toEqual(first);
  await theirs.close();
});
