// Owns the wire between OpenCode and an OpenAI-compatible model: Chat Completions. Never decides what is said.

import * as z from "zod";
import { eventStream, type Answer, type Question, type Wire } from "./scripted-model.js";

/** How OpenCode names a tool of the server `pyro`. */
const prefix = "pyro_";

const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
  messages: z.array(z.object({ role: z.string(), content: z.unknown() })),
});

export const openaiChat: Wire = {
  path: "/v1/chat/completions",
  read,
  write: (answer, stream) => (stream ? events(answer) : JSON.stringify(completion(answer))),
  besides: {},
};

function read(body: unknown): Question {
  const { model, stream, tools, messages } = request.parse(body);
  const ours = tools.map((tool) => tool.function).filter(({ name }) => name.startsWith(prefix));
  return {
    model,
    stream,
    hasTools: tools.length > 0,
    tools: new Map(ours.map((tool) => [tool.name.slice(prefix.length), tool])),
    hostTools: tools.map((tool) => tool.function.name).filter((name) => !name.startsWith(prefix)),
    results: messages.filter(({ role }) => role === "tool").map(({ content }) => z.string().parse(content)),
  };
}

function completion({ id, model, content }: Answer) {
  const message =
    "text" in content
      ? { role: "assistant", content: content.text }
      : {
          role: "assistant",
          tool_calls: [
            { index: 0, id: `call_${id}`, type: "function", function: { ...content.tool, arguments: content.args } },
          ],
        };
  const finish_reason = "text" in content ? "stop" : "tool_calls";
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const choices = [{ index: 0, message, finish_reason }];
  return { id: `chatcmpl_${id}`, object: "chat.completion", created: 0, model, choices, usage };
}

function events(answer: Answer): string {
  const { choices, usage, ...rest } = completion(answer);
  const whole = { ...rest, object: "chat.completion.chunk" };
  return eventStream([
    ...choices.map(({ message, index }) => ({ ...whole, choices: [{ index, delta: message, finish_reason: null }] })),
    ...choices.map(({ finish_reason, index }) => ({ ...whole, choices: [{ index, delta: {}, finish_reason }] })),
    { ...whole, choices: [], usage },
    "[DONE]",
  ]);
}
