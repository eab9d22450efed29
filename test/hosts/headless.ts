// Owns how each chat host is run without a person: its command line, its model provider, its answer. Never registers anything.

import * as z from "zod";
import type { ChatHost } from "./hosts.js";
import { anthropicMessages } from "./models/anthropic-messages.js";
import { openaiChat } from "./models/openai-chat.js";
import { openaiResponses } from "./models/openai-responses.js";
import type { Wire } from "./models/scripted-model.js";

export interface HeadlessHost {
  readonly wire: Wire;
  /** Besides PATH and HOME; nothing in it reaches beyond loopback. */
  env(modelUrl: string): Readonly<Record<string, string>>;
  /** After the program's name. */
  args(prompt: string, modelUrl: string): readonly string[];
  /** More of them: the user's leave for every tool of ours, since nobody is there to be asked. */
  readonly leave: readonly string[];
  /** The model's last words, out of what the host printed. */
  answerOf(stdout: string): string | undefined;
}

/** For a server to start, where a host would go on without it: less than a test has. */
const startMs = 300_000;

const codexLine = z.object({ item: z.object({ type: z.string(), text: z.string().optional() }).optional() });
const openCodeLine = z.object({ type: z.string(), part: z.object({ text: z.string().optional() }).optional() });

export const headlessHosts: Readonly<Record<ChatHost, HeadlessHost>> = {
  "claude-code": {
    wire: anthropicMessages,
    env: (url) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: "none",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      // A server that starts late on a busy machine is waited for.
      MCP_TIMEOUT: String(startMs),
      MCP_CONNECT_TIMEOUT_MS: String(startMs),
    }),
    args: (prompt) => ["-p", prompt, "--output-format", "json"],
    leave: ["--allowedTools", "mcp__pyro"],
    answerOf: (stdout) => z.object({ result: z.string() }).parse(JSON.parse(stdout)).result,
  },
  codex: {
    wire: openaiResponses,
    env: () => ({ SCRIPTED_KEY: "none" }),
    args: (prompt, url) => ["exec", "--json", ...codexProvider(url), prompt],
    // Without it Codex runs what only adds, and refuses reset and delete.
    leave: ["-c", 'mcp_servers.pyro.default_tools_approval_mode="approve"'],
    answerOf: (stdout) =>
      lines(stdout)
        .map((line) => codexLine.parse(line).item)
        .findLast((item) => item?.type === "agent_message")?.text,
  },
  opencode: {
    wire: openaiChat,
    env: (url) => ({
      OPENCODE_CONFIG_CONTENT: JSON.stringify(openCodeProvider(url)),
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
    }),
    args: (prompt) => ["run", "--format", "json", prompt],
    leave: [],
    answerOf: (stdout) =>
      lines(stdout)
        .map((line) => openCodeLine.parse(line))
        .findLast(({ type }) => type === "text")?.part?.text,
  },
};

/** Arguments; on any command line of Codex. */
export function codexProvider(url: string): readonly string[] {
  return [
    ...["-c", 'model="scripted"', "-c", 'model_provider="scripted"'],
    ...["-c", `mcp_servers.pyro.startup_timeout_sec=${startMs / 1000}`, "-c"],
    `model_providers.scripted={name="scripted",base_url="${url}/v1",wire_api="responses",env_key="SCRIPTED_KEY"}`,
  ];
}

function openCodeProvider(url: string) {
  return {
    model: "scripted/scripted",
    provider: {
      scripted: {
        npm: "@ai-sdk/openai-compatible",
        options: { baseURL: `${url}/v1`, apiKey: "none" },
        models: { scripted: { tool_call: true } },
      },
    },
  };
}

function lines(stdout: string): readonly unknown[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): unknown => JSON.parse(line));
}
