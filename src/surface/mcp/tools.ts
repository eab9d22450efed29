// Owns how an operation looks as an MCP tool. Never calls one.
import type { Tool } from "@modelcontextprotocol/server";
import * as z from "zod";
import { environmentName } from "../../operations/fields.js";
import type { Effect, Operation, Profile } from "../../operations/operation.js";
import type { Mode } from "../../operations/serve-choices.js";
import { operations } from "../../operations/table.js";
import { modeShapes } from "./modes.js";

export interface McpTool {
  readonly operation: Operation;
  readonly tool: Tool;
  /** The checked arguments as the operation's own input. */
  toInput(checked: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  readonly input: z.ZodObject;
}

export interface ToolChoice {
  readonly profile: Profile;
  /** Chooses the tools instead of the profile. */
  readonly mode?: Mode | undefined;
  /** For where the model names none. */
  readonly environment?: string | undefined;
}

/** The tools of a profile or mode, in the order of the table. */
export function toolsOf({ profile, mode, environment }: ToolChoice): readonly McpTool[] {
  const ofMode = mode === undefined ? undefined : modeShapes[mode];
  return operations.flatMap((operation: Operation) => {
    const shape = operation.mcp;
    if (shape === undefined) return [];
    if (!(ofMode === undefined ? shape.profiles.includes(profile) : ofMode.tools.includes(operation.name))) return [];
    const input = withEnvironment(shape.input, environment);
    return [
      {
        operation,
        input,
        toInput: (checked: Readonly<Record<string, unknown>>) => shape.widen?.(checked) ?? checked,
        tool: {
          name: operation.name,
          title: operation.title,
          description: ofMode?.descriptions?.[operation.name] ?? shape.description,
          inputSchema: inputSchema(input),
          annotations: annotations[operation.effect],
        },
      },
    ];
  });
}

function withEnvironment(input: z.ZodObject, environment: string | undefined): z.ZodObject {
  if (environment === undefined || !("environment" in input.shape)) return input;
  return input.extend({ environment: environmentName.default(environment) });
}

/** Draft 2020-12, inline; without the `$schema` line, which only costs the model's context. */
function inputSchema(input: z.ZodObject): Tool["inputSchema"] {
  const { $schema: _, ...schema } = z.toJSONSchema(input, {
    io: "input",
    target: "draft-2020-12",
    reused: "inline",
    // What some hosts refuse or drop, and what the model has no use for; every call is checked here again.
    override: ({ jsonSchema }) => {
      delete jsonSchema.propertyNames;
      delete jsonSchema.title;
    },
  });
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
