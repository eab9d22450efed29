// Owns where the real chat hosts are that these tests drive. Never installs one: scripts/chat-hosts.mjs does.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";

/** Their names, as `pyro host` takes them. */
export const chatHosts = ["claude-code", "codex", "opencode"] as const;

export type ChatHost = (typeof chatHosts)[number];

const packages: Readonly<Record<ChatHost, string>> = {
  "claude-code": "@anthropic-ai/claude-code",
  codex: "@openai/codex",
  opencode: "opencode-ai",
};

const programs: Readonly<Record<ChatHost, string>> = { "claude-code": "claude", codex: "codex", opencode: "opencode" };

/** The folder that has the executables of all three, and nothing else. */
export function chatHostBin(): string {
  return join(modules(), ".bin");
}

/** The path of its executable. */
export function chatHost(name: ChatHost): string {
  return join(chatHostBin(), programs[name]);
}

/** The version that is installed. */
export function chatHostVersion(name: ChatHost): string {
  const manifest: unknown = JSON.parse(readFileSync(join(modules(), packages[name], "package.json"), "utf8"));
  return z.object({ version: z.string() }).parse(manifest).version;
}

function modules(): string {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  return join(process.env["PYRO_TEST_CHAT_HOSTS"] ?? join(root, "build", "chat-hosts"), "node_modules");
}
