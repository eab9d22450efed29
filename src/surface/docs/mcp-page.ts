// Owns the reference of the MCP tools. Never says what the tools do not.
import type * as z from "zod";
import { needsText } from "../../operations/needs.js";
import { profiles } from "../../operations/operation.js";
import { plannedBy } from "../../operations/planned.js";
import { modes, type Mode } from "../../operations/serve-choices.js";
import { modeShapes } from "../mcp/modes.js";
import { isLeftOut } from "../mcp/shrink.js";
import { leastTime, patientClients } from "../mcp/answer-time.js";
import { instructionsOf } from "../mcp/instructions.js";
import { loadedFirst } from "../mcp/loading.js";
import { defaultTaskTimes, tasksExtension } from "../mcp/tasks.js";
import { toolsOf, type McpTool } from "../mcp/tools.js";
import { code, page, table } from "./markdown.js";
import { firstTold, inputTable, outputTable } from "./field-table.js";

const exampleSource = "the project /home/you/project, uncommitted changes included";

export function mcpPage(): string {
  const rows = profiles.map((profile) => {
    const brings = plannedBy("profiles", profile);
    return [
      `\`${profile}\``,
      brings === undefined ? toolsOf({ profile }).map(nameOf).join(" ") : `planned with ${brings}`,
    ];
  });
  const built = profiles.filter((profile) => plannedBy("profiles", profile) === undefined);
  const tools = new Map(
    built.flatMap((profile) => toolsOf({ profile }).map((tool) => [tool.tool.name, tool] as const)),
  );
  const told = new Map<z.ZodObject, string>();
  return page("MCP tools", [
    "`pyro mcp serve --profile PROFILE` serves them over standard input and output; `workspace-core` is the default.",
    table(["Profile", "Tools"], rows),
    "`--mode MODE` offers the tools for one kind of task instead:",
    table(["Mode", "Task", "Tools"], modes.map(modeRow)),
    ...built.flatMap((profile) => [
      `Instructions of \`${profile}\`:`,
      code("text", instructions(toolsOf({ profile }).map(({ tool }) => tool))),
    ]),
    ...[...tools.values()].flatMap((tool) => toolSection(tool, told)),
    "## Paths of the host",
    "A model may name only paths under the project that the server was started for, and under the folders that the user " +
      "gave with `--allow-host-path`; symbolic links count as what they lead to, `.git` folders are left out, and what it " +
      "exports must not exist yet. Relative paths start at the project. Everything else is `permission_denied`.",
    "## Results",
    "Results come as structured content and as compact text. An error is a result with `isError`, whose structured " +
      "content is `{error: {code, message, hint}}`; see [errors](errors.md). Output streams over 20,000 characters come " +
      `back as head and tail. A call answers within ${leastTime.answer} s, or later where its client waits longer (below); a client that sends a progress token hears of it every 2 s, ` +
      "and canceling the call stops what runs in the guest; only canceling `workspace_wait` leaves the command running. A " +
      "command that takes longer comes back with `state: running` and its `sequence` for `workspace_wait`, a creation with " +
      "`state: creating` for `workspace_status`.",
    "These clients were [seen](../integrations/call-limits.md) to wait longer, as long as they hear of the call's progress:",
    table(
      ["Client", "from version", "a call answers within"],
      patientClients.map(({ name, version, answer }) => [`\`${name}\``, version, `${answer} s`]),
    ),
    "## Protocol",
    "A client may speak 2026-07-28 (`server/discover`, each request by itself) or 2025-11-25, 2025-06-18 and earlier (`initialize`). " +
      "The list of tools has a fixed order, and clients of 2026-07-28 may keep it for an hour.",
    `A client of 2026-07-28 that declares the extension \`${tasksExtension}\` gets a task for each call that is not answered after ` +
      `${defaultTaskTimes.afterMs / 1000} s, and asks for its result with \`tasks/get\`; \`tasks/cancel\` cancels the call. Such a call may take up to an ` +
      "hour before a command comes back as `running`. A task is kept for a day, at most as long as the server is there; workspaces and " +
      "their commands outlive it.",
  ]);
}

function instructions(tools: readonly McpTool["tool"][]): string {
  const names = tools.map(({ name }) => name);
  return instructionsOf({ tools: names, loadedFirst: loadedFirst(tools), sourceText: exampleSource });
}

function modeRow(mode: Mode): readonly string[] {
  const brings = plannedBy("modes", mode);
  const { task, tools } = modeShapes[mode];
  return [
    `\`${mode}\``,
    task,
    brings === undefined ? tools.map((name) => `\`${name}\``).join(" ") : `planned with ${brings}`,
  ];
}

function toolSection({ tool, input, operation }: McpTool, told: Map<z.ZodObject, string>): readonly string[] {
  const first = firstTold(told, operation.output, tool.name);
  const hints = Object.entries(tool.annotations ?? {}).filter(([, value]) => value === true);
  return [
    `## ${tool.name}`,
    tool.description ?? "",
    operation.needs === undefined ? "" : needsText[operation.needs],
    hints.length === 0 ? "" : `Hints: ${hints.map(([name]) => `\`${name}\``).join(", ")}.`,
    ...(Object.keys(input.shape).length === 0 ? [] : ["Input:", inputTable(input)]),
    ...(first === undefined
      ? ["Result:", outputTable(operation.output, { without: isLeftOut })]
      : [`Result: as of [${first}](#${first}).`]),
  ];
}

function nameOf({ tool }: McpTool): string {
  return `\`${tool.name}\``;
}
