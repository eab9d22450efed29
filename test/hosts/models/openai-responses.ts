// Owns the wire between Codex and its model: OpenAI's Responses. Never decides what is said.

import * as z from "zod";
import { eventStream, type Answer, type Question, type Wire } from "./scripted-model.js";

/** Codex offers each MCP server as a namespace of tools. */
const namespace = "mcp__pyro";

const tool = z.object({
  name: z.string().default(""),
  tools: z.array(z.object({ name: z.string() })).default([]),
});
const text = z.object({ text: z.string().default("") });
const item = z.object({
  type: z.string(),
  output: z
    .union([z.string(), z.array(text).transform((parts) => parts.map((part) => part.text).join("\n"))])
    .optional(),
});
const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  tools: z.array(tool).default([]),
  input: z.array(item),
});

export const openaiResponses: Wire = {
  path: "/v1/responses",
  read,
  write: (answer, stream) => (stream ? events(answer) : JSON.stringify(response(answer))),
  besides: { "GET /v1/models": { object: "list", data: [], models: [] } },
};

function read(body: unknown): Question {
  const { model, stream, tools, input } = request.parse(body);
  const ours = tools.find(({ name }) => name === namespace)?.tools ?? [];
  return {
    model,
    stream,
    hasTools: tools.length > 0,
    tools: new Map(ours.map(({ name }) => [name, { name, namespace }])),
    hostTools: tools.map(({ name }) => name).filter((name) => name !== namespace),
    results: input.filter(({ type }) => type === "function_call_output").map(({ output }) => output ?? ""),
  };
}

function response({ id, model, content }: Answer) {
  const output =
    "text" in content
      ? {
          type: "message",
          id: `msg_${id}`,
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: content.text, annotations: [] }],
        }
      : { type: "function_call", id: `fc_${id}`, call_id: `call_${id}`, ...content.tool, arguments: content.args };
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  return { id: `resp_${id}`, object: "response", model, status: "completed", output: [output], usage };
}

function events(answer: Answer): string {
  const whole = response(answer);
  const [item] = whole.output;
  return eventStream([
    { type: "response.created", response: { ...whole, status: "in_progress", output: [], usage: null } },
    { type: "response.output_item.added", output_index: 0, item },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: whole },
  ]);
}
