// Owns what the demo's model may call: a few of the table's operations, and whether the goal was reached in its workspace.
import * as z from "zod";
import { asPyroError, PyroError } from "../../base/error.js";
import { closest } from "../../base/closest.js";
import type { Progress } from "../../base/progress.js";
import type { Speaker } from "../../base/say.js";
import type { Operation } from "../../operations/operation.js";
import { parseInput } from "../../operations/input.js";
import { workspaceDeleteOperation } from "../../operations/workspace.js";
import { workspaceExecOperation } from "../../operations/workspace-exec.js";
import { workspaceDiffOperation } from "../../operations/workspace-files.js";
import { callOperation, type Connector, type WireInput, type WireResult } from "../connection.js";
import { leastTime } from "../mcp/answer-time.js";
import { applyScope, scopeOf, type ServerScope } from "../mcp/choices.js";
import { toolError, toolResult } from "../mcp/result.js";
import { toolSpeaker } from "../mcp/speaker.js";
import { cut } from "../mcp/shrink.js";
import { toolsOf, type McpTool } from "../mcp/tools.js";
import { sourceFile, testCommand, testFile } from "./task.js";
import type { ToolDefinition } from "./wire.js";

/** Few, because a small model's context is small. */
const offered = [
  "workspace_create",
  "workspace_exec",
  "workspace_file_read",
  "workspace_file_write",
  "workspace_diff",
  "workspace_delete",
];
/** Characters of a result that the model gets. */
const maxResultCharacters = 4000;
/** Milliseconds for one call, and for the clean-up, which also runs after Ctrl-C. */
const callTimeoutMs = 5 * 60_000;
const deleteTimeoutMs = 30_000;

export interface DemoToolsOptions {
  readonly connector: Connector;
  /** Where workspaces start from. */
  readonly projectPath: string;
  readonly onProgress: Progress;
}

export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

export interface Goal {
  readonly isReached: boolean;
  /** In words for the model, and for a person. */
  readonly text: string;
  /** What was changed in the project's files. */
  readonly patch: string;
}

const execResult = z.object({ exit_code: z.int().nullable() });
const diffResult = z.object({ patch: z.string(), entries: z.array(z.object({ path: z.string() })) });
const createResult = z.object({ workspace_id: z.string() });

/** The tools of one run of the demo, over workspaces that start from one folder of the host. */
export class DemoTools implements AsyncDisposable {
  readonly definitions: readonly ToolDefinition[];
  readonly #tools: readonly McpTool[];
  readonly #connector: Connector;
  readonly #onProgress: Progress;
  readonly #scope: ServerScope;
  readonly #speaker: Speaker;
  readonly #workspaces = new Set<string>();
  #goal: Goal = { isReached: false, text: "No workspace was made.", patch: "" };

  constructor({ connector, projectPath, onProgress }: DemoToolsOptions) {
    this.#connector = connector;
    this.#onProgress = onProgress;
    this.#scope = scopeOf({ projectPath }, projectPath);
    this.#tools = toolsOf({ profile: "workspace-core" }).filter(({ tool }) => offered.includes(tool.name));
    this.#speaker = toolSpeaker(this.#tools);
    this.definitions = this.#tools.map(({ tool }) => ({
      type: "function",
      function: { name: tool.name, description: tool.description ?? "", parameters: tool.inputSchema },
    }));
  }

  get names(): readonly string[] {
    return this.#tools.map(({ tool }) => tool.name);
  }

  /** Where workspaces start from, in words. */
  get sourceText(): string {
    return this.#scope.sourceText;
  }

  /** What fails is an answer too, which the model can act on; only an aborted signal throws. */
  async call(name: string, args: unknown, signal: AbortSignal): Promise<ToolAnswer> {
    try {
      const tool = this.#tools.find((each) => each.tool.name === name);
      if (tool === undefined) throw this.#unknown(name);
      const input = await applyScope(this.#scope, { tool, time: leastTime }, parseInput(tool.input, args));
      // What was reached must be seen before it is gone.
      if (tool.operation.name === workspaceDeleteOperation.name) await this.goal(signal);
      const result = await this.#perform(tool.operation, input, signal);
      this.#remember(tool.operation, result, input);
      return textOf(toolResult(tool.operation, result, this.#speaker));
    } catch (error) {
      signal.throwIfAborted();
      return textOf(toolError(asPyroError(error).spelledBy(this.#speaker)));
    }
  }

  /** Runs the test in the newest workspace; without one, what was found before the model deleted it. */
  async goal(signal: AbortSignal): Promise<Goal> {
    const id = [...this.#workspaces].at(-1);
    if (id === undefined) return this.#goal;
    const exec = { workspace_id: id, command: testCommand, timeout_seconds: 60 };
    const { exit_code } = execResult.parse(await this.#perform(workspaceExecOperation, exec, signal));
    const { patch, entries } = diffResult.parse(
      await this.#perform(workspaceDiffOperation, { workspace_id: id, paths: [sourceFile, testFile] }, signal),
    );
    const isTestChanged = entries.some(({ path }) => path.endsWith(testFile));
    const text = isTestChanged ? `${testFile} was changed` : `\`${testCommand}\` exits with ${exit_code ?? "no code"}`;
    this.#goal = { isReached: exit_code === 0 && !isTestChanged, text, patch };
    return this.#goal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#workspaces) {
      await this.#perform(workspaceDeleteOperation, { workspace_id: id }, AbortSignal.timeout(deleteTimeoutMs));
    }
    this.#workspaces.clear();
  }

  #perform(operation: Operation, input: WireInput, signal: AbortSignal): Promise<WireResult> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
    return callOperation(
      this.#connector,
      { operation, input },
      { surface: "demo", signal: limited, onProgress: this.#onProgress },
    );
  }

  #remember({ name }: Operation, result: WireResult, input: WireResult): void {
    const { data } = createResult.safeParse(result);
    if (data === undefined) return;
    if (name === "workspace_create") this.#workspaces.add(data.workspace_id);
    if (name === "workspace_delete") {
      this.#workspaces.delete(data.workspace_id);
      this.#workspaces.delete(String(input["workspace_id"]));
    }
  }

  #unknown(name: string): PyroError {
    const meant = closest(name, this.names);
    return new PyroError("not_found", `There is no tool ${name}.`, {
      hint: meant === undefined ? `There are: ${this.names.join(", ")}.` : `Did you mean ${meant}?`,
    });
  }
}

function textOf({ content, isError }: ReturnType<typeof toolResult>): ToolAnswer {
  const text = content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
  return { text: cut(text, maxResultCharacters), isError: isError === true };
}
