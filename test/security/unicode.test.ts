// Proves that what is no clean Unicode is refused by its field on every surface, and leaves none of them. Starts no machine.
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { asPyroError, PyroError } from "../../src/base/error.js";
import { listen } from "../../src/daemon/server.js";
import { parseInput } from "../../src/operations/input.js";
import type { Operation } from "../../src/operations/operation.js";
import { operations } from "../../src/operations/table.js";
import { workspaceFileReadOperation } from "../../src/operations/workspace-file-read.js";
import { refuseByteArguments } from "../../src/surface/cli/byte-arguments.js";
import { printResult } from "../../src/surface/cli/print-result.js";
import { createSink } from "../../src/surface/cli/sink.js";
import { serveStreams } from "../../src/surface/mcp/stdio.js";
import { mcpShapeOf } from "../../src/surface/mcp/tools.js";
import { Pyro } from "../../src/surface/sdk/pyro.js";
import { fakeDaemon, ranFine } from "../unit/surface/fake-daemon.js";

const table: readonly Operation[] = operations;
/** Where a NUL is a character as any other. */
const contents = ["text", "patch"];

const schemaNode = z.looseObject({
  type: z.string().optional(),
  anyOf: z.array(z.unknown()).default([]),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
});

/** Values for a field that have this text at each place where the schema takes one. */
function* valuesWith(schema: unknown, text: string): Generator {
  const node = schemaNode.safeParse(schema).data;
  if (node === undefined) return;
  if (node.type === "string") yield text;
  for (const choice of node.anyOf) yield* valuesWith(choice, text);
  for (const item of valuesWith(node.items, text)) yield ["true", item];
  for (const item of valuesWith(node.additionalProperties, text)) yield* [{ key: item }, { [text]: "value" }];
}

interface Place {
  readonly operation: Operation;
  readonly input: z.ZodObject;
  readonly field: string;
  readonly value: unknown;
}

function placesWith(text: string): readonly Place[] {
  return table.flatMap((operation) => {
    const inputs = [operation.input, ...[mcpShapeOf(operation)?.input ?? []].flat()];
    return inputs.flatMap((input) => {
      const { properties = {} } = z.toJSONSchema(input, { io: "input" });
      return Object.entries(properties).flatMap(([field, schema]) =>
        [...valuesWith(schema, text)].map((value) => ({ operation, input, field, value })),
      );
    });
  });
}

function refusal(work: () => unknown): string {
  try {
    work();
    return "accepted";
  } catch (error) {
    const { code, message } = asPyroError(error);
    return `${code}: ${message}`;
  }
}

const halves = ["a\ud83d", "\ude00b", "\ud83d\ud83d\ude00"];

test("half of a surrogate pair is refused in every text of every operation, by its field", () => {
  const places = halves.flatMap((text) => placesWith(text));
  const wrong = places.filter(({ input, field, value }) => {
    const said = refusal(() => parseInput(input, { [field]: value }));
    return (
      !said.startsWith(`invalid_argument: ${field}`) ||
      !said.includes("half of a surrogate pair") ||
      /\p{Cs}/u.test(said)
    );
  });
  expect(places.length).toBeGreaterThan(100);
  expect(wrong.map(({ operation, field }) => `${operation.name} ${field}`)).toEqual([]);
});

test("a NUL is refused in every text of every operation but a file's content, by its field", () => {
  const accepted = placesWith("a\0b").filter(({ input, field, value }) => {
    const said = refusal(() => parseInput(input, { [field]: value }));
    return !said.startsWith(`invalid_argument: ${field}`) || !said.includes("has a NUL at character");
  });
  expect([...new Set(accepted.map(({ field }) => field))]).toEqual(contents);
});

test("what is refused is named to its place, whatever else is wrong with it", () => {
  const [exec] = table.filter(({ name }) => name === "workspace_exec");
  const [create] = table.filter(({ name }) => name === "workspace_create");
  const say = (operation: Operation | undefined, input: unknown) =>
    refusal(() => operation && parseInput(operation.input, input));
  expect([
    say(exec, { workspace_id: "w", command: ["sh", "-c", "a\0"] }),
    say(exec, { workspace_id: "w", command: "x", cwd: "/a\0" }),
    say(create, { labels: { ok: "a", team: "x\ud800" } }),
    say(create, { labels: { "\udfff": "a" } }),
  ]).toEqual([
    "invalid_argument: command.2 has a NUL at character 2.",
    "invalid_argument: cwd has a NUL at character 3.",
    "invalid_argument: labels.team is no Unicode text: at character 2 it has U+D800, which is half of a surrogate pair.",
    "invalid_argument: labels.\u{fffd} is no Unicode text: at character 1 it has U+DFFF, which is half of a surrogate pair.",
  ]);
});

test("fields of the SDK are refused before a daemon is asked", async () => {
  const daemon = fakeDaemon(() => ranFine);
  const pyro = new Pyro({ connector: daemon.connector });
  const call = pyro.writeWorkspaceFile({ workspaceId: "w", path: "a", text: "x\ud800" });
  await expect(call).rejects.toMatchObject({ code: "invalid_argument", details: { field: "text" } });
  expect(daemon.starts()).toBe(0);
});

describe("the daemon", () => {
  const folder = mkdtempSync(join(tmpdir(), "pyro-unicode-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The answer as it came. */
  async function call(name: string, line: string, workspaces: object): Promise<string> {
    const socketPath = join(folder, "daemon.sock");
    const server = await listen({
      ...{ socketPath, parts: { workspaces } as never, onActivity: () => undefined },
      ...{ isRecorded: () => Promise.resolve(true), onHandOver: () => undefined },
    });
    try {
      const outgoing = request({ socketPath, method: "POST", path: `/v1/operations/${name}` });
      const answer = new Promise<string>((resolve, reject) => {
        outgoing.on("error", reject).once("response", (response) => void textOf(response).then(resolve, reject));
      });
      outgoing.end(`${line}\n`);
      return await answer;
    } finally {
      await server.close();
    }
  }

  test("refuses them at its own door", async () => {
    const seen: unknown[] = [];
    const workspaces = { writeFile: (input: unknown) => seen.push(input) };
    const line = String.raw`{"input":{"workspace_id":"w","path":"a","text":"x\ud800"}}`;
    const { error } = JSON.parse(await call("workspace_file_write", line, workspaces)) as { error: object };
    expect(error).toMatchObject({ code: "invalid_argument", details: { field: "text" } });
    expect(seen).toEqual([]);
  });

  test("answers in lines for every reader of lines, and in whole characters", async () => {
    const message = "one\u2028two\u2029three\u0085four \ud83d";
    const workspaces = { writeFile: () => Promise.reject(new PyroError("not_found", message)) };
    const line = JSON.stringify({ input: { workspace_id: "w", path: "a", text: "x" } });
    const answer = await call("workspace_file_write", line, workspaces);
    expect(answer.split(/[\n\u0085\u2028\u2029]/u)).toEqual([answer.slice(0, -1), ""]);
    expect(JSON.parse(answer)).toMatchObject({ error: { message: "one\u2028two\u2029three\u0085four \u{fffd}" } });
  });
});

const separators = "a\u2028b\u2029c\u0085d\n";

test("messages of the MCP server are lines for every reader of lines", async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const { connector } = fakeDaemon(() => ({ ...ranFine, stdout: separators }));
  const served = serveStreams({ profile: "vm-run", connector }, { input, output, until: new Promise(() => undefined) });
  const initialize = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } };
  input.write(`${JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params: initialize })}\n`);
  const params = { name: "vm_run", arguments: { command: "x" } };
  input.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params })}\n`);
  const broken = String.raw`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"vm_run","arguments":{"command":"x\udc00"}}}`;
  input.write(`${broken}\n`);
  let written = "";
  while (written.split("\n").length < 4)
    written += String((await output.iterator({ destroyOnReturn: false }).next()).value);
  input.end();
  await served;
  const lines = written.split(/[\n\u0085\u2028\u2029]/u).filter((line) => line !== "");
  const answers = lines.map((line) => JSON.parse(line) as { id: number; result: { content: { text: string }[] } });
  const textOfAnswer = (id: number) => answers.find((answer) => answer.id === id)?.result.content[0]?.text ?? "";
  expect(lines).toHaveLength(3);
  expect(textOfAnswer(1)).toContain("a\u2028b\u2029c\u0085d");
  expect(textOfAnswer(2)).toMatch(/^invalid_argument: command is no Unicode text: at character 2 /u);
});

function printing() {
  const parts: Buffer[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => (parts.push(chunk), done()) });
  const sink = createSink(stream, { guard: "terminal", onFailure: () => undefined });
  const context = { stdout: sink, stderr: sink, selection: undefined, connector: fakeDaemon(() => ranFine).connector };
  return { parts, sink, context: { ...context, outputFailed: new AbortController().signal, settled: () => undefined } };
}

test("a document of --json is one line for every reader of lines", async () => {
  const { parts, context } = printing();
  const result = { content: separators };
  await printResult(workspaceFileReadOperation, result, { ...context, json: true });
  const document = Buffer.concat(parts).toString();
  expect(document.split(/[\n\u0085\u2028\u2029]/u)).toEqual([document.slice(0, -1), ""]);
  expect(JSON.parse(document)).toEqual(result);
});

test("output that is streamed comes out byte for byte, though a character comes in parts", async () => {
  const { parts, sink } = printing();
  const bytes = Buffer.concat([Buffer.from("€ 😀"), Buffer.from([0xff, 0xe2, 0x82])]);
  for (const byte of bytes) await sink.pass(Buffer.from([byte]));
  expect(Buffer.concat(parts)).toEqual(bytes);
});

test("an argument that is no text is refused: Node would hand on other characters", () => {
  const commandLine =
    (...args: readonly string[]) =>
    () =>
      Buffer.from(`node\0pyro\0${args.join("\0")}\0`, "latin1");
  const args = ["run", "debian:12", "--", "printf", "a\u{fffd}b"];
  const exact = (last: string) => commandLine("run", "debian:12", "--", "printf", last);
  expect(refusal(() => refuseByteArguments(args, exact("a\xffb")))).toBe(
    'invalid_argument: Argument 5, "a\u{fffd}b", is not UTF-8 text.',
  );
  // U+FFFD itself.
  expect(refusal(() => refuseByteArguments(args, exact("a\xef\xbf\xbdb")))).toBe("accepted");
  expect(refusal(() => refuseByteArguments(["run"], () => expect.unreachable()))).toBe("accepted");
});
