// Proves that a client which takes tasks is told of a call that takes long, asks for its result, and can cancel it; and that no other client is.
import { InMemoryTransport, type JSONRPCMessage } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { expect, test } from "vitest";
import { createServer } from "../../../../src/surface/mcp/server.js";
import { TaskTransport } from "../../../../src/surface/mcp/tasks.js";
import { fakeDaemon, ranFine, untilCanceled, type Answer } from "../fake-daemon.js";

type Fields = Readonly<Record<string, unknown>>;

interface Wire {
  /** Sends a request and gives its result, or its error. */
  ask(method: string, params?: Fields, capabilities?: Fields): Promise<Fields>;
  notify(method: string, params: Fields): Promise<void>;
  /** Everything that came, answers included. */
  readonly came: readonly Fields[];
}

const tasks = { extensions: { "io.modelcontextprotocol/tasks": {} } };
const exec = { name: "vm_run", arguments: { command: "x" } };

async function connect(
  answer: Answer,
  afterMs: number,
): Promise<Wire & { readonly daemon: ReturnType<typeof fakeDaemon> }> {
  const daemon = fakeDaemon(answer);
  const [theirs, ours] = InMemoryTransport.createLinkedPair();
  const times = { progressMs: 5 };
  serveStdio(({ era }) => createServer({ connector: daemon.connector, times, tasks: era === "modern" }), {
    transport: new TaskTransport(ours, { afterMs }),
  });
  const came: Fields[] = [];
  const waiting = new Map<number, (message: Fields) => void>();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport is no event target
  theirs.onmessage = (message: JSONRPCMessage) => {
    const fields: Fields = Object(message);
    came.push(fields);
    waiting.get(Number(fields["id"]))?.(fields);
  };
  await theirs.start();
  let last = 0;
  const metaFor = (capabilities: Fields) => ({
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  });
  return {
    daemon,
    came,
    notify: (method, params) => theirs.send({ jsonrpc: "2.0", method, params: { ...params } }),
    ask: async (method, params = {}, capabilities = tasks) => {
      const id = (last += 1);
      const answered = new Promise<Fields>((resolve) => waiting.set(id, resolve));
      const _meta = { ...metaFor(capabilities), ...Object(params["_meta"]) };
      await theirs.send({ jsonrpc: "2.0", id, method, params: { ...params, _meta } });
      const { result, error } = await answered;
      return Object(result ?? { error });
    },
  };
}

/** A daemon that answers when it is told to. */
function slow(): { readonly answer: Answer; finish(): void } {
  let finish = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { answer: async () => (await done, { ...ranFine, stdout: "built\n" }), finish: () => finish() };
}

/** Both ends are in this process, and would never let it do anything else. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function untilStatus({ ask }: Wire, taskId: unknown, status: string): Promise<Fields> {
  for (;;) {
    const task = await ask("tasks/get", { taskId });
    if (task["status"] === status) return task;
    await turn();
  }
}

test("a client that takes tasks sees that the server has them", async () => {
  const { ask } = await connect(() => ranFine, 1000);
  expect(await ask("server/discover")).toMatchObject({ capabilities: tasks });
});

test("a call that takes long is a task, whose result comes when it is asked for", async () => {
  const { answer, finish } = slow();
  const wire = await connect(answer, 0);
  const made = await wire.ask("tools/call", exec);
  expect(made).toMatchObject({
    ...{ resultType: "task", status: "working", taskId: expect.any(String) },
    ...{ createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/u), ttlMs: 86_400_000, pollIntervalMs: 1000 },
  });
  const taskId = made["taskId"];
  expect(await wire.ask("tasks/get", { taskId })).toMatchObject({ resultType: "complete", taskId, status: "working" });
  finish();
  const result = {
    content: [{ type: "text", text: "[exit code 0, 12 ms]\nbuilt" }],
    structuredContent: { stdout: "built\n" },
  };
  expect(await untilStatus(wire, taskId, "completed")).toMatchObject({ resultType: "complete", result });
  // Once is enough for no client that has crashed.
  expect(await wire.ask("tasks/get", { taskId })).toMatchObject({ status: "completed", result });
  expect(await wire.ask("tasks/cancel", { taskId })).toMatchObject({ resultType: "complete" });
  expect(await wire.ask("tasks/get", { taskId })).toMatchObject({ status: "completed" });
});

test("a call that is answered soon is none, and neither is one of a client that takes none", async () => {
  const soon = await connect(() => ranFine, 60_000);
  expect(await soon.ask("tools/call", exec)).toMatchObject({
    resultType: "complete",
    structuredContent: { exit_code: 0 },
  });
  const { answer, finish } = slow();
  const other = await connect(answer, 0);
  const called = other.ask("tools/call", exec, {});
  finish();
  expect(await called).toMatchObject({ resultType: "complete", structuredContent: { stdout: "built\n" } });
  expect(other.came).toHaveLength(1);
});

test("a task says how far it is, and its progress is sent to nobody", async () => {
  const wire = await connect((_call, { onProgress, signal }) => {
    onProgress?.({ phase: "boot", message: "Starting a machine" });
    return untilCanceled(signal);
  }, 0);
  const { taskId } = await wire.ask("tools/call", exec);
  let task: Fields = {};
  while (task["statusMessage"] === undefined) {
    await turn();
    task = await wire.ask("tasks/get", { taskId });
  }
  expect(task).toMatchObject({
    status: "working",
    statusMessage: expect.stringMatching(/^Starting a machine · \d+ s$/u),
  });
  expect(wire.came.filter(({ method }) => method !== undefined)).toEqual([]);
  await wire.ask("tasks/cancel", { taskId });
});

test("canceling a task cancels its call in the daemon, and nothing else does", async () => {
  let arrived = (_signal: AbortSignal): void => undefined;
  const arrival = new Promise<AbortSignal>((resolve) => {
    arrived = resolve;
  });
  const wire = await connect((_call, { signal }) => {
    if (signal !== undefined) arrived(signal);
    return untilCanceled(signal);
  }, 0);
  const { taskId } = await wire.ask("tools/call", exec);
  const signal = await arrival;
  await wire.notify("notifications/cancelled", { requestId: 1 });
  expect(await wire.ask("tasks/get", { taskId })).toMatchObject({ status: "working" });
  expect(signal.aborted).toBe(false);
  expect(await wire.ask("tasks/cancel", { taskId })).toMatchObject({ resultType: "complete" });
  expect(await wire.ask("tasks/get", { taskId })).toMatchObject({ status: "cancelled" });
  expect(signal.aborted).toBe(true);
  expect(wire.came.filter(({ id }) => id === 1)).toHaveLength(1);
});

test("a call that failed by the protocol is a task that failed", async () => {
  const wire = await connect(() => ranFine, 0);
  const called = await wire.ask("tools/call", { name: "vm_rum", arguments: {} });
  const ended =
    called["error"] === undefined ? (await untilStatus(wire, called["taskId"], "failed"))["error"] : called["error"];
  expect(ended).toMatchObject({ code: -32_602, message: "There is no tool vm_rum. Did you mean vm_run?" });
});

test.each(["tasks/get", "tasks/update", "tasks/cancel"])(
  "%s is refused for no task, and to a client that takes none",
  async (method) => {
    const { ask } = await connect(() => ranFine, 1000);
    expect(await ask(method, { taskId: "none" })).toEqual({
      error: { code: -32_602, message: "There is no such task." },
    });
    expect(await ask(method, { taskId: "none" }, {})).toEqual({
      error: {
        ...{ code: -32_021, message: "Missing required client capability" },
        data: { requiredCapabilities: tasks },
      },
    });
  },
);

test("a call of a client that takes tasks may work for as long as it takes", async () => {
  const { ask, daemon } = await connect(() => ranFine, 60_000);
  const call = { name: "workspace_exec", arguments: { workspace_id: "ws_aaaaaaaaaaaa", command: "make" } };
  await ask("tools/call", call);
  await ask("tools/call", call, {});
  expect(daemon.calls.map(({ input }) => Object(input)["wait_seconds"])).toEqual([3595, 40]);
});
