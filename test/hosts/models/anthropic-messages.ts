// Owns the wire between Claude Code and its model: Anthropic's Messages. Never decides what is said.

import * as z from "zod";
import { eventStream, type Answer, type Question, type Wire } from "./scripted-model.js";

/** How Claude Code names a tool of the server `pyro`. */
const prefix = "mcp__pyro__";

/** With it a model loads those of which it has only the names. */
const search = "ToolSearch";
const loads = /^toolu_(load_\d+)$/u;

const text = z.object({ text: z.string().default("") });
const block = z.object({
  type: z.string(),
  tool_use_id: z.string().default(""),
  content: z
    .union([z.string(), z.array(text).transform((parts) => parts.map((part) => part.text).join("\n"))])
    .optional(),
});
const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  tools: z.array(z.object({ name: z.string() })).default([]),
  messages: z.array(z.object({ content: z.union([z.string(), z.array(block)]) })),
});

export const anthropicMessages: Wire = {
  path: "/v1/messages",
  read,
  write: (answer, stream) => (stream ? events(answer) : JSON.stringify(message(answer))),
  besides: { "HEAD /": {}, "POST /v1/messages/count_tokens": { input_tokens: 1 } },
};

function read(body: unknown): Question {
  const { model, stream, tools, messages } = request.parse(body);
  const ours = tools.filter(({ name }) => name.startsWith(prefix));
  const blocks = messages
    .flatMap(({ content }) => (typeof content === "string" ? [] : content))
    .filter(({ type }) => type === "tool_result");
  const loader = tools.find(({ name }) => name === search);
  return {
    model,
    stream,
    hasTools: tools.length > 0,
    tools: new Map(ours.map((tool) => [tool.name.slice(prefix.length), tool])),
    hostTools: tools.map(({ name }) => name).filter((name) => !name.startsWith(prefix)),
    results: blocks.filter((block) => !loads.test(block.tool_use_id)).map(({ content }) => content ?? ""),
    onDemand: loader && {
      tool: loader,
      args: (name) => ({ query: `select:${prefix}${name}` }),
      asked: blocks.flatMap((block) => loads.exec(block.tool_use_id)?.[1] ?? []),
    },
  };
}

function message({ id, model, content }: Answer) {
  const block =
    "text" in content
      ? { type: "text", text: content.text }
      : { type: "tool_use", id: `toolu_${id}`, name: content.tool.name, input: JSON.parse(content.args) as unknown };
  const stop_reason = "text" in content ? "end_turn" : "tool_use";
  const usage = { input_tokens: 1, output_tokens: 1 };
  return { id: `msg_${id}`, type: "message", role: "assistant", model, content: [block], stop_reason, usage };
}

function events(answer: Answer): string {
  const { stop_reason, content, ...whole } = message(answer);
  const [start, delta] =
    "text" in answer.content
      ? [
          { type: "text", text: "" },
          { type: "text_delta", text: answer.content.text },
        ]
      : [
          { ...content[0], input: {} },
          { type: "input_json_delta", partial_json: answer.content.args },
        ];
  return eventStream([
    { type: "message_start", message: { ...whole, content: [], stop_reason: null, stop_sequence: null } },
    { type: "content_block_start", index: 0, content_block: start },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: "message_stop" },
  ]);
}
