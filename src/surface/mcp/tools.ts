// Owns how an operation looks as an MCP tool. Never calls one.
import type { Tool } from "@modelcontextprotocol/server";
import * as z from "zod";
import { environmentName } from "../../operations/fields.js";
import type { Effect, McpShape, Operation, Profile } from "../../operations/operation.js";
import type { Mode } from "../../operations/serve-choices.js";
import { operations } from "../../operations/table.js";
import { toolTime, type AnswerTime } from "./answer-time.js";
import { hostMeta, loadedAlone } from "./loading.js";
import { modeShapes } from "./modes.js";

export interface McpTool {
  readonly operation: Operation;
  readonly tool: Tool;
  /** The checked arguments as the operation's own input, for a call that may take so long. */
  toInput(checked: Readonly<Record<string, unknown>>, time: AnswerTime): Readonly<Record<string, unknown>>;
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
  const offered = operations.flatMap((operation: Operation) => {
    const shape = mcpShapeOf(operation);
    if (shape === undefined) return [];
    if (!(ofMode === undefined ? shape.profiles.includes(profile) : ofMode.tools.includes(operation.name))) return [];
    const input = withEnvironment(shape.input, environment);
    return [
      {
        operation,
        input,
        toInput: (checked: Readonly<Record<string, unknown>>, time: AnswerTime) => ({
          ...withFullNames(shape, checked),
          ...shape.fills,
          ...waiting(shape, checked, time),
        }),
        tool: {
          name: operation.name,
          title: operation.title,
          description: ofMode?.descriptions?.[operation.name] ?? shape.description,
          inputSchema: inputSchema(input),
          annotations: annotationsOf(operation),
          _meta: hostMeta(shape),
        },
      },
    ];
  });
  const loaded = loadedAlone(offered.map(({ tool }) => tool));
  return offered.map((each, index) => ({ ...each, tool: loaded[index] ?? each.tool }));
}

/** Undefined for what is no tool of any profile. */
export function mcpShapeOf({ mcp }: Operation): McpShape<z.ZodObject> | undefined {
  return typeof mcp === "function" ? mcp(toolTime) : mcp;
}

/** Fields under the names of the operation's own input. */
function withFullNames({ names = {} }: McpShape<z.ZodObject>, checked: Readonly<Record<string, unknown>>) {
  const full = new Map(Object.entries(names).map(([field, name]) => [name, field]));
  return Object.fromEntries(Object.entries(checked).map(([name, value]) => [full.get(name) ?? name, value]));
}

/** Arguments under the names that the tool has: those of the full input are understood as well. */
export function withToolNames({ operation }: McpTool, args: unknown): unknown {
  const names = mcpShapeOf(operation)?.names;
  if (names === undefined || typeof args !== "object" || args === null || Array.isArray(args)) return args;
  const given = Object.entries(args).map(([field, value]) => [toolName(names, field), value] as const);
  return new Set(given.map(([name]) => name)).size < given.length ? args : Object.fromEntries(given);
}

/** As the tool has it. */
export function toolName(names: Readonly<Partial<Record<string, string>>> | undefined, field: string): string {
  return names?.[field] ?? field;
}

/** As the model asked, where it may ask, and no longer than leaves time to answer. */
function waiting(
  { waits }: McpShape<z.ZodObject>,
  checked: Readonly<Record<string, unknown>>,
  { longestWait, work }: AnswerTime,
): Readonly<Record<string, number>> {
  if (waits === undefined) return {};
  const asked = checked[waits];
  return { [waits]: typeof asked === "number" ? Math.min(asked, longestWait) : work };
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
      delete jsonSchema["holds"];
    },
  });
  // zod and the MCP library each have their own type for the same JSON.
  return schema as Tool["inputSchema"];
}

/** What hosts are told that a call does to the world. */
export function annotationsOf({ effect, openWorld = false }: Pick<Operation, "effect" | "openWorld">): Annotations {
  return { ...effects[effect], openWorldHint: openWorld };
}

type Annotations = NonNullable<Tool["annotations"]>;

const effects: Record<Effect, Annotations> = {
  read: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
  create: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  change: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  delete: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
};
