// Owns how an operation looks as an MCP tool. Never calls one.
import type { Tool } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Effect, Operation, Profile } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";

export interface McpTool {
  readonly operation: Operation;
  readonly tool: Tool;
  /** The checked arguments as the operation's own input. */
  toInput(checked: Readonly<Record<string, unknown>>): unknown;
  readonly input: z.ZodObject;
}

/** The tools of a profile, in the order of the table. */
export function toolsOf(profile: Profile): readonly McpTool[] {
  return operations.flatMap((operation: Operation) => {
    const shape = operation.mcp;
    if (shape === undefined || !shape.profiles.includes(profile)) return [];
    return [
      {
        operation,
        input: shape.input,
        toInput: (checked: Readonly<Record<string, unknown>>) => shape.widen?.(checked) ?? checked,
        tool: {
          name: operation.name,
          title: operation.title,
          description: shape.description,
          inputSchema: inputSchema(shape.input),
          annotations: annotations[operation.effect],
        },
      },
    ];
  });
}

/** Draft 2020-12, inline; without the `$schema` line, which only costs the model's context. */
function inputSchema(input: z.ZodObject): Tool["inputSchema"] {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input", target: "draft-2020-12", reused: "inline" });
  // zod and the MCP library each have their own type for the same JSON.
  return schema as Tool["inputSchema"];
}

/** The hints of each effect; nothing of pyro's reaches the open world while guests have no network. */
const annotations: Record<Effect, NonNullable<Tool["annotations"]>> = {
  read: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  create: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  change: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  delete: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
};
