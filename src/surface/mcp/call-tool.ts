// Owns one tool call: its deadline, its progress notifications, its result. Never throws for what the model can act on.
import type { CallToolResult, ServerContext } from "@modelcontextprotocol/server";
import { PyroError, asPyroError } from "../../base/error.js";
import { progressText, type ProgressEvent } from "../../base/progress.js";
import type { Speaker } from "../../base/say.js";
import { parseInput } from "../../operations/input.js";
import type { CallOptions } from "../../client/call.js";
import { callOperation, type Connector, type WireInput } from "../connection.js";
import { worded } from "../worded.js";
import { answerTimeFor, taskTime, type Caller } from "./answer-time.js";
import { applyScope, type ServerScope } from "./choices.js";
import { hasRoom, toolError, toolResult } from "./result.js";
import { mcpShapeOf, withToolNames, type McpTool } from "./tools.js";

export interface CallTimes {
  /** Milliseconds after which a call answers, done or not; by its client where absent. */
  readonly deadlineMs?: number | undefined;
  /** Milliseconds between two progress notifications. */
  readonly progressMs: number;
}

export const defaultTimes: CallTimes = { progressMs: 2000 };

export interface ToolRequest {
  readonly tool: McpTool;
  readonly args: unknown;
  /** Who calls, as it says itself. */
  readonly caller: Caller | undefined;
  /** Its client is told of it as a task where it takes long. */
  readonly canBeTask: boolean;
}

export interface ToolSurroundings {
  readonly connector: Connector;
  readonly times: CallTimes;
  readonly scope: ServerScope;
  /** Spells what names other calls. */
  readonly speaker: Speaker;
}

export async function callTool(
  { tool, args, caller, canBeTask }: ToolRequest,
  { mcpReq }: Pick<ServerContext, "mcpReq">,
  { connector, times, scope, speaker }: ToolSurroundings,
): Promise<CallToolResult> {
  const time = canBeTask ? taskTime : answerTimeFor(caller, mcpReq._meta?.progressToken !== undefined);
  const { deadlineMs = time.deadlineMs } = times;
  const deadline = new AbortController();
  let last: ProgressEvent | undefined;
  const timer = setTimeout(() => deadline.abort(tooLong(tool, last, deadlineMs)), deadlineMs);
  const stopNotifying = notify(mcpReq, times, () => last && progressText(last));
  try {
    const options: CallOptions = {
      signal: AbortSignal.any([mcpReq.signal, deadline.signal]),
      surface: "mcp",
      linger: true,
      allowedRoots: scope.allowed.folders,
      onProgress: (event) => {
        last = event;
      },
    };
    let input = await applyScope(scope, { tool, time }, parseInput(tool.input, withToolNames(tool, args ?? {})));
    for (;;) {
      const result = await callOperation(connector, { operation: tool.operation, input }, options);
      const less = hasRoom(tool.operation, result) ? undefined : askLess(tool, input);
      if (less === undefined) {
        return toolResult(tool.operation, worded({ operation: tool.operation, input }, result, speaker), speaker);
      }
      input = less;
    }
  } catch (error) {
    return toolError(asPyroError(error).spelledBy(speaker));
  } finally {
    clearTimeout(timer);
    stopNotifying();
  }
}

/** The input with which a read answers less; undefined where there is none. */
function askLess({ operation }: McpTool, input: WireInput): WireInput | undefined {
  const field = mcpShapeOf(operation)?.halves;
  const asked = field === undefined ? undefined : input[field];
  return field === undefined || typeof asked !== "number" || asked <= 1
    ? undefined
    : { ...input, [field]: Math.floor(asked / 2) };
}

/** Names the phase the call was in; what the daemon installs goes on without the caller. */
function tooLong({ tool }: McpTool, last: ProgressEvent | undefined, deadlineMs: number): PyroError {
  const phase = last === undefined ? "" : ` It was at: ${last.message}${percent(last)}.`;
  const hint =
    last === undefined || last.phase === "command"
      ? "Give the command less to do at once, or a smaller timeout_seconds, and call again."
      : "Call again in a moment: an environment that is being installed goes on installing.";
  const seconds = Math.round(deadlineMs / 1000);
  return new PyroError("deadline_exceeded", `${tool.name} was not done after ${seconds} s and was canceled.${phase}`, {
    hint,
  });
}

function percent({ done, total }: ProgressEvent): string {
  return done === undefined || total === undefined || total <= 0 ? "" : `, ${Math.floor((done / total) * 100)} %`;
}

/** Tells a client that asked for it that the call is alive; returns the way to stop. */
function notify(
  mcpReq: ServerContext["mcpReq"],
  { progressMs }: CallTimes,
  message: () => string | undefined,
): () => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  const started = performance.now();
  const timer = setInterval(() => {
    const progress = Math.round((performance.now() - started) / 100) / 10;
    const text = `${message() ?? "Working"} · ${Math.round(progress)} s`;
    mcpReq
      .notify({ method: "notifications/progress", params: { progressToken, progress, message: text } })
      .catch(() => undefined);
  }, progressMs);
  return () => clearInterval(timer);
}
