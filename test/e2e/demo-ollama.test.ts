// Proves the Ollama demo against a scripted server that speaks the documented wire format; no model takes part.

import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, expect, test } from "vitest";
import { openHome, type Home } from "./home.js";
import { calls, openOllama, reply, says, type ChatBody, type OllamaServer, type Turn } from "./ollama-server.js";

// Of its own: its workspaces would be seen by tests that count machines.
const home = openHome();
afterAll(() => home[Symbol.asyncDispose]());

const capable = { "qwen3:8b": ["completion", "tools"] };

/** What the model was last told of this tool. */
function lastResult({ messages }: ChatBody, name: string): string {
  return messages.findLast(({ tool_name }) => tool_name === name)?.content ?? "";
}

function workspaceOf(body: ChatBody): string {
  return /ws_[a-z2-7]{12}/u.exec(lastResult(body, "workspace_create"))?.[0] ?? "none";
}

const runTest = calls("workspace_exec", (body) => ({
  workspace_id: workspaceOf(body),
  command: "python3 -m unittest",
}));
const repaired = [
  "def count_words(text):",
  "    counts = {}",
  "    for word in text.lower().split():",
  '        word = word.strip(".,!?")',
  "        counts[word] = counts.get(word, 0) + 1",
  "    return counts",
  "",
].join("\n");
const repair = calls("workspace_file_write", (body) => ({
  workspace_id: workspaceOf(body),
  path: "words.py",
  text: repaired,
}));
const create = says("I make a workspace.", [["workspace_create", {}]]);
const remove = calls("workspace_delete", (body) => ({ workspace_id: workspaceOf(body) }));

async function demo(server: OllamaServer, args: readonly string[] = [], where: Home = home) {
  const { code, stdout, stderr } = await where.pyro(["demo", "ollama", "--base-url", server.url, ...args]);
  return { code, stdout: stdout.toString(), stderr };
}

async function workspacesOf(where: Home): Promise<unknown> {
  const { stdout } = await where.pyro(["workspace", "list", "--json"]);
  return JSON.parse(stdout.toString()).workspaces;
}

test("[demo-ollama] a model's tool calls reproduce and repair, each is a line, and nothing is left", async () => {
  const turns = [create, runTest, repair, runTest, remove, says("Punctuation was part of the words.")];
  await using server = await openOllama({ models: { "old:1b": ["completion"], ...capable }, turns });
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith("pyro-demo-"));
  const { code, stdout } = await demo(server);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^model qwen3:8b, Ollama 0\.12\.3 at http:\/\/127/u)]);
  expect(stdout).toMatch(
    /\[1\] [\d.]+ s, 1 tool call: I make a workspace\.\n +workspace_create \{\}\n[^]*exit code 1[^]*exit code 0[^]*/u,
  );
  expect(stdout).toMatch(/\+        word = word\.strip[^]*\ndone: 6 turns, 5 tool calls, [\d.]+ s, passed\n$/u);
  expect(server.asked.map(({ messages }) => messages.length)).toEqual([2, 4, 6, 8, 10, 12]);
  expect(server.asked[0]?.tools.map((tool) => tool.function.name)).toEqual([
    ...["workspace_create", "workspace_exec", "workspace_file_read", "workspace_file_write", "workspace_diff"],
    "workspace_delete",
  ]);
  expect(await workspacesOf(home)).toEqual([]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("pyro-demo-"))).toEqual(before);
});

test("[demo-ollama] a goal that is not reached is 1: the model is told to go on, and cannot cheat by the test", async () => {
  const cheat = calls("workspace_file_write", (body) => ({
    workspace_id: workspaceOf(body),
    path: "test_words.py",
    text: "",
  }));
  await using server = await openOllama({ models: capable, turns: [create, cheat, says("Done.")] });
  const { code, stdout } = await demo(server, ["--json"]);
  const document = JSON.parse(stdout);
  expect([code, document.passed, document.goal, document.turns]).toEqual([1, false, "test_words.py was changed", 6]);
  expect(server.asked.at(-1)?.messages.at(-1)?.content).toMatch(/^That is not done yet: test_words\.py was changed\./u);
  expect(await workspacesOf(home)).toEqual([]);
});

test("[demo-ollama] wrong tools and arguments are told to the model, which can go on; turns are bounded", async () => {
  const wrong = says("", [
    ["workspace_destroy", {}],
    ["workspace_exec", '{"workspace_id":"ws_none","command":"true"}'],
    ["workspace_exec", { wrong: 1 }],
  ]);
  await using server = await openOllama({ models: capable, turns: [wrong] });
  const { code, stdout } = await demo(server, ["--json"]);
  const { passed, turns, calls: called } = JSON.parse(stdout);
  expect([code, passed, turns, called.length]).toEqual([1, false, 24, 72]);
  expect(called.slice(0, 3).map(({ result }: { result: string }) => result)).toEqual([
    expect.stringMatching(/^not_found: There is no tool workspace_destroy\./u),
    expect.stringMatching(/^not_found: /u),
    expect.stringMatching(/^invalid_argument: .*Unknown field wrong/u),
  ]);
});

/** Each with what the server does, and what the user is told. */
const failures: readonly {
  readonly name: string;
  readonly args?: readonly string[];
  readonly models?: Readonly<Record<string, readonly string[]>>;
  readonly turn?: Turn;
  readonly code: number;
  readonly stderr: RegExp;
}[] = [
  {
    name: "a model that is not there",
    args: ["--model", "qwen4:8b"],
    code: 66,
    stderr:
      /no model qwen4:8b\.\n {2}Did you mean qwen3:8b\? It has: qwen3:8b\. `ollama pull qwen4:8b` installs it\.\n$/u,
  },
  { name: "no model at all", models: {}, code: 66, stderr: /no model that can call tools\.\n.*It has none\.\n$/u },
  {
    name: "a model without tools",
    models: { "gemma:2b": ["completion"] },
    args: ["--model", "gemma:2b"],
    code: 64,
    stderr: /The model gemma:2b cannot call tools\.\n/u,
  },
  {
    name: "tools refused by the chat itself",
    turn: (_body, response) => reply(response, { error: "library/qwen3:8b does not support tools" }, 400),
    code: 64,
    stderr: /library\/qwen3:8b does not support tools\.\n/u,
  },
  {
    name: "a failure of the server",
    turn: (_body, response) => reply(response, { error: "model requires more system memory" }, 500),
    code: 69,
    stderr: /answered 500: model requires more system memory\n/u,
  },
  {
    name: "a failure in the middle of an answer",
    turn: (_body, response) => response.end('{"message":{"content":"I"},"done":false}\n{"error":"runner stopped"}\n'),
    code: 69,
    stderr: /Ollama failed: runner stopped\n/u,
  },
  {
    name: "an answer that ends in the middle",
    turn: (_body, response) => response.end('{"message":{"content":"I"},"done":false}\n'),
    code: 69,
    stderr: /not one of Ollama's API: it ended in the middle\n/u,
  },
  {
    name: "what is no JSON",
    turn: (_body, response) => response.end("<html>\n"),
    code: 69,
    stderr: /not one of Ollama's API: it is no JSON: <html>\n/u,
  },
  {
    name: "an answer of another shape",
    turn: (_body, response) => response.end('{"done":"yes"}\n'),
    code: 69,
    stderr: /not one of Ollama's API: done: /u,
  },
  {
    name: "an answer without an end",
    turn: (_body, response) => response.end("x".repeat(5 * 1024 * 1024)),
    code: 75,
    stderr: /longer than 4194304 bytes/u,
  },
];

test.each(failures)("[demo-ollama] $name is said with what to do", async ({ args, models, turn, code, stderr }) => {
  await using server = await openOllama({ models: models ?? capable, turns: turn === undefined ? [] : [turn] });
  const result = await demo(server, args);
  expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: expect.stringMatching(stderr) });
});

test("[demo-ollama] a server that is not there is said before any daemon starts", async () => {
  await using fresh = openHome();
  const server = await openOllama({});
  await server[Symbol.asyncDispose]();
  const { code, stdout, stderr } = await demo(server, [], fresh);
  expect([code, stdout, stderr]).toEqual([
    69,
    "",
    expect.stringMatching(/^pyro: No Ollama server answers at http:\/\/127.*ECONNREFUSED\n {2}Start it/u),
  ]);
  const usage = await fresh.pyro(["demo", "ollama", "--base-url", "ftp://x"]);
  expect([usage.code, usage.stderr]).toEqual([
    64,
    expect.stringMatching(/--base-url must be an http or https address/u),
  ]);
  expect(fresh.processes()).toEqual([]);
});

test("[demo-ollama] Ctrl-C while the model thinks ends with 130, its workspace gone", async () => {
  let thinking = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    thinking = resolve;
  });
  await using server = await openOllama({ models: capable, turns: [create, () => thinking()] });
  const started = home.start(["demo", "ollama", "--base-url", server.url]);
  await reached;
  started.child.kill("SIGINT");
  const { code, stderr } = await started.finished;
  expect([code, stderr]).toEqual([130, expect.stringMatching(/pyro: Canceled by SIGINT\.\n$/u)]);
  expect(await workspacesOf(home)).toEqual([]);
});
