// Owns how a server spells calls for the model that it serves: by the tools that it offers. Never calls one.
import type { CallPart, CallValue, FieldPart, Speaker } from "../../base/say.js";
import { flagNameOf } from "../../operations/field.js";
import type { Operation } from "../../operations/operation.js";
import { serveFields, serveFlagNames } from "../../operations/serve-choices.js";
import { operations } from "../../operations/table.js";
import { terminalSpeaker } from "../command-line.js";
import { mcpShapeOf, toolName, type McpTool } from "./tools.js";

/** What no tool does, the user can do in a terminal; what only other choices of tools do is not spoken of. */
export function toolSpeaker(tools: readonly McpTool[]): Speaker {
  const table: readonly Operation[] = operations;
  const terminal = terminalSpeaker((name) =>
    table.find((operation) => operation.name === name && operation.mcp === undefined),
  );
  const toolOf = (name: string): McpTool | undefined => tools.find(({ tool }) => tool.name === name);
  return {
    call: (part: CallPart) => {
      const tool = toolOf(part.call);
      if (tool === undefined) {
        const command = terminal.call(part);
        return command === undefined ? undefined : `${command} (which the user runs in a terminal)`;
      }
      const given = Object.entries(part.input).map(([name, value]) => [nameIn(tool, name), value] as const);
      if (given.some(([name]) => !(name in tool.input.shape))) return undefined;
      return given.length === 0 ? part.call : `${part.call} with ${given.map(argument).join(", ")}`;
    },
    field: ({ of, field: full, value }: FieldPart) => {
      const tool = toolOf(of);
      const field = tool === undefined ? full : nameIn(tool, full);
      if (tool !== undefined && field in tool.input.shape)
        return value === undefined ? field : argument([field, value]);
      if (!(field in serveFields)) return undefined;
      return `--${flagNameOf(serveFlagNames, field)}, which only the user can give when the server is started`;
    },
  };
}

function nameIn({ operation }: McpTool, field: string): string {
  return toolName(mcpShapeOf(operation)?.names, field);
}

function argument([name, value]: readonly [string, CallValue]): string {
  return `${name} ${typeof value === "string" && /^[\w./:-]+$/u.test(value) ? value : JSON.stringify(value)}`;
}
