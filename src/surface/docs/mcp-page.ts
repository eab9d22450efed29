// Owns the reference of the MCP tools. Never says what the tools do not.
import { profiles } from "../../operations/operation.js";
import { plannedBy } from "../../operations/planned.js";
import { isLeftOut } from "../mcp/result.js";
import { instructions } from "../mcp/server.js";
import { toolsOf, type McpTool } from "../mcp/tools.js";
import { code, page, table } from "./markdown.js";
import { inputTable, outputTable } from "./field-table.js";

export function mcpPage(): string {
  const rows = profiles.map((profile) => {
    const brings = plannedBy("profiles", profile);
    return [`\`${profile}\``, brings === undefined ? toolsOf(profile).map(nameOf).join(" ") : `planned with ${brings}`];
  });
  const built = profiles.filter((profile) => plannedBy("profiles", profile) === undefined);
  const tools = new Map(built.flatMap((profile) => toolsOf(profile).map((tool) => [tool.tool.name, tool] as const)));
  return page("MCP tools", [
    "`pyro mcp serve --profile PROFILE` serves them over standard input and output.",
    table(["Profile", "Tools"], rows),
    ...built.flatMap((profile) => [`Instructions of \`${profile}\`:`, code("text", instructions[profile] ?? "")]),
    ...[...tools.values()].flatMap(toolSection),
    "## Results",
    "Results come as structured content and as compact text. An error is a result with `isError`, whose structured " +
      "content is `{error: {code, message, hint}}`; see [errors](errors.md). Output streams over 20,000 characters come " +
      "back as head and tail. A call answers within 45 s; a client that sends a progress token hears of it every 2 s, " +
      "and canceling the call stops what runs in the guest.",
  ]);
}

function toolSection({ tool, input, operation }: McpTool): readonly string[] {
  const hints = Object.entries(tool.annotations ?? {}).filter(([, value]) => value === true);
  return [
    `## ${tool.name}`,
    tool.description ?? "",
    hints.length === 0 ? "" : `Hints: ${hints.map(([name]) => `\`${name}\``).join(", ")}.`,
    "Input:",
    inputTable(input),
    "Result:",
    outputTable(operation.output, { without: isLeftOut }),
  ];
}

function nameOf({ tool }: McpTool): string {
  return `\`${tool.name}\``;
}
