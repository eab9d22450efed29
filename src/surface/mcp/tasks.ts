// Owns calls that become tasks: a client that takes tasks is told of a call that takes long, and asks for its result later. Never runs one.
import {
  CLIENT_CAPABILITIES_META_KEY,
  SERVER_INFO_META_KEY,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type MessageExtraInfo,
  type RequestId,
  type Transport,
} from "@modelcontextprotocol/server";
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { version } from "../../base/version.js";

/** The extension that both sides declare. */
export const tasksExtension = "io.modelcontextprotocol/tasks";

export interface TaskTimes {
  /** Milliseconds after which a call that is not answered becomes a task. */
  readonly afterMs: number;
}

export const defaultTaskTimes: TaskTimes = { afterMs: 5000 };

/** Milliseconds between two questions of a client, and for which a result is kept. */
const pollIntervalMs = 1000;
const ttlMs = 24 * 60 * 60 * 1000;
/** Tasks that have ended; the oldest go first. */
const maxEnded = 64;

const capabilities = z.looseObject({ extensions: z.looseObject({ [tasksExtension]: z.unknown() }).optional() });
const params = z.looseObject({
  taskId: z.string().optional(),
  _meta: z
    .looseObject({
      [CLIENT_CAPABILITIES_META_KEY]: capabilities.optional(),
      progressToken: z.union([z.string(), z.number()]).optional(),
    })
    .optional(),
});
const request = z.looseObject({ id: z.union([z.string(), z.number()]), method: z.string(), params: params.optional() });
const canceled = z.looseObject({
  method: z.literal("notifications/cancelled"),
  params: z.looseObject({ requestId: z.union([z.string(), z.number()]) }),
});
const answer = z.looseObject({
  id: z.union([z.string(), z.number()]),
  result: z.looseObject({}).optional(),
  error: z.looseObject({ message: z.string() }).optional(),
});
const progress = z.looseObject({
  method: z.literal("notifications/progress"),
  params: z.looseObject({ progressToken: z.union([z.string(), z.number()]), message: z.string().optional() }),
});

type Asked = z.output<typeof request>;
type End = { readonly status: "completed" | "failed" | "cancelled" } & Readonly<Record<string, unknown>>;

/** A call that may become a task, or is one. */
interface OpenCall {
  readonly id: RequestId;
  readonly progressToken: string | number;
  /** The client wants to hear of it by itself, as long as it is no task. */
  readonly isHeard: boolean;
  readonly timer: NodeJS.Timeout;
  task: Task | undefined;
  statusMessage: string | undefined;
}

interface Task {
  readonly taskId: string;
  readonly createdAt: number;
  lastUpdatedAt: number;
  readonly call: OpenCall;
  end: End | undefined;
}

/** Whether the capabilities of a request's client have the extension. */
export function takesTasks(clientCapabilities: unknown): boolean {
  return capabilities.safeParse(clientCapabilities).data?.extensions?.[tasksExtension] !== undefined;
}

/** Between a server and its wire. */
export class TaskTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport["onmessage"]>;

  readonly #wire: Transport;
  readonly #times: TaskTimes;
  readonly #calls = new Map<RequestId, OpenCall>();
  readonly #tasks = new Map<string, Task>();

  constructor(wire: Transport, times: TaskTimes = defaultTaskTimes) {
    this.#wire = wire;
    this.#times = times;
  }

  async start(): Promise<void> {
    // A transport is no event target: it has one listener of each kind.
    Object.assign(this.#wire, {
      onclose: () => this.onclose?.(),
      onerror: (error: Error) => this.onerror?.(error),
      onmessage: (message: JSONRPCMessage, extra: MessageExtraInfo | undefined) => {
        const forward = this.#receive(message);
        if (forward !== undefined) this.onmessage?.(forward, extra);
      },
    } satisfies Pick<Transport, "onclose" | "onerror" | "onmessage">);
    await this.#wire.start();
  }

  async send(message: JSONRPCMessage, options?: Parameters<Transport["send"]>[1]): Promise<void> {
    if (!this.#isTaken(message)) await this.#wire.send(message, options);
  }

  async close(): Promise<void> {
    for (const { timer } of this.#calls.values()) clearTimeout(timer);
    this.#calls.clear();
    await this.#wire.close();
  }

  /** What the server gets of it; undefined: nothing. */
  #receive(message: JSONRPCMessage): JSONRPCMessage | undefined {
    const stop = canceled.safeParse(message).data;
    // A task is ended by `tasks/cancel` alone.
    if (stop !== undefined) return this.#forget(stop.params.requestId) ? message : undefined;
    const asked = request.safeParse(message).data;
    if (asked === undefined) return message;
    switch (asked.method) {
      case "tools/call":
        return takesTasks(asked.params?._meta?.[CLIENT_CAPABILITIES_META_KEY]) ? this.#open(message, asked) : message;
      case "tasks/get":
      case "tasks/update":
      case "tasks/cancel":
        void this.#wire.send(this.#answer(asked)).catch((error: unknown) => this.onerror?.(asError(error)));
        return undefined;
      default:
        return message;
    }
  }

  /** The same call, with a token of ours where it has none, so that the task can say how far it is. */
  #open(message: JSONRPCMessage, { id, params: given }: Asked): JSONRPCMessage {
    const theirs = given?._meta?.progressToken;
    const progressToken = theirs ?? `task-${randomUUID()}`;
    const timer = setTimeout(() => this.#make(id), this.#times.afterMs);
    const isHeard = theirs !== undefined;
    this.#calls.set(id, { id, progressToken, isHeard, timer, task: undefined, statusMessage: undefined });
    return isHeard ? message : { ...message, params: { ...given, _meta: { ...given?._meta, progressToken } } };
  }

  #make(id: RequestId): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const now = Date.now();
    const task: Task = { taskId: randomUUID(), createdAt: now, lastUpdatedAt: now, call, end: undefined };
    call.task = task;
    this.#tasks.set(task.taskId, task);
    const result = { ...viewOf(task), resultType: "task", _meta: serverInfo };
    void this.#wire.send({ jsonrpc: "2.0", id, result }).catch((error: unknown) => this.onerror?.(asError(error)));
  }

  /** Whether the call was no task, so that its end concerns the server. */
  #forget(id: RequestId): boolean {
    const call = this.#calls.get(id);
    if (call?.task !== undefined) return false;
    clearTimeout(call?.timer);
    this.#calls.delete(id);
    return true;
  }

  #answer({ id, method, params: given }: Asked): JSONRPCMessage {
    const fail = (code: number, message: string, data?: unknown) =>
      ({ jsonrpc: "2.0", id, error: { code, message, ...(data === undefined ? {} : { data }) } }) as const;
    if (!takesTasks(given?._meta?.[CLIENT_CAPABILITIES_META_KEY])) {
      const requiredCapabilities = { extensions: { [tasksExtension]: {} } };
      return fail(-32_021, "Missing required client capability", { requiredCapabilities });
    }
    const task = this.#tasks.get(given?.taskId ?? "");
    if (task === undefined || task.createdAt + ttlMs < Date.now()) return fail(-32_602, "There is no such task.");
    if (method === "tasks/cancel" && task.end === undefined) this.#cancel(task);
    const view = method === "tasks/get" ? viewOf(task) : {};
    return { jsonrpc: "2.0", id, result: { ...view, resultType: "complete", _meta: serverInfo } };
  }

  #cancel(task: Task): void {
    const { id } = task.call;
    this.#end(task, { status: "cancelled" });
    const stop: JSONRPCNotification = {
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: id, reason: "The task was canceled." },
    };
    this.onmessage?.(stop);
  }

  /** Of what the server says: whether it stays here. */
  #isTaken(message: JSONRPCMessage): boolean {
    const heard = progress.safeParse(message).data?.params;
    if (heard !== undefined) {
      const call = [...this.#calls.values()].find(({ progressToken }) => progressToken === heard.progressToken);
      if (call === undefined) return false;
      call.statusMessage = heard.message;
      if (call.task !== undefined) call.task.lastUpdatedAt = Date.now();
      return call.task !== undefined || !call.isHeard;
    }
    const ended = answer.safeParse(message).data;
    if (ended === undefined || (ended.result === undefined && ended.error === undefined)) return false;
    const call = this.#calls.get(ended.id);
    if (call === undefined || this.#forget(ended.id)) return false;
    const { result, error } = ended;
    this.#calls.delete(ended.id);
    // What was done all the same when it was canceled is nobody's any more.
    if (call.task !== undefined && call.task.end === undefined) {
      this.#end(call.task, error === undefined ? { status: "completed", result } : failed(error));
    }
    return true;
  }

  #end(task: Task, end: End): void {
    task.end = end;
    task.lastUpdatedAt = Date.now();
    const ended = [...this.#tasks.values()].filter((each) => each.end !== undefined);
    for (const { taskId } of ended.slice(0, -maxEnded)) this.#tasks.delete(taskId);
  }
}

const serverInfo = { [SERVER_INFO_META_KEY]: { name: "pyro", title: "pyro", version } };

function failed(error: { readonly message: string }): End {
  return { status: "failed", statusMessage: error.message, error };
}

function viewOf({ taskId, createdAt, lastUpdatedAt, call, end }: Task) {
  const { statusMessage } = call;
  return {
    taskId,
    status: "working",
    ...(statusMessage === undefined || end !== undefined ? {} : { statusMessage }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(lastUpdatedAt).toISOString(),
    ttlMs,
    pollIntervalMs,
    ...end,
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
