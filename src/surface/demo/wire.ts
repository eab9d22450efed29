// Owns the parts of Ollama's HTTP API that the demo speaks: https://docs.ollama.com/api. Fields it does not use are let through.
import * as z from "zod";

/** Some models write the arguments as JSON in a text. */
const toolArguments = z.union([
  z.record(z.string(), z.unknown()),
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text === "" ? "{}" : text);
      } catch {
        context.addIssue("is no JSON");
        return z.NEVER;
      }
    })
    .pipe(z.record(z.string(), z.unknown())),
]);

export const toolCall = z.object({ function: z.object({ name: z.string(), arguments: toolArguments }) });
export type ToolCall = z.output<typeof toolCall>;

/** One line of a chat answer; the last one has `done`. */
export const chatPart = z.object({
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z.array(toolCall).nullish(),
    })
    .optional(),
  done: z.boolean(),
});

export const failure = z.object({ error: z.string() });
export const versionAnswer = z.object({ version: z.string() });
export const tagsAnswer = z.object({ models: z.array(z.object({ name: z.string() })) });
/** Older servers do not say what a model can do. */
export const showAnswer = z.object({ capabilities: z.array(z.string()).optional() });

export interface AssistantMessage {
  readonly role: "assistant";
  readonly content: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly ToolCall[];
}

export type Message =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "tool"; readonly tool_name: string; readonly content: string }
  | AssistantMessage;

/** As `tools` takes it. */
export interface ToolDefinition {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description: string; readonly parameters: unknown };
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDefinition[];
}
