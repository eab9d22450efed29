// Owns the list of the hosts. Never adds to what they say.
import { claudeCode } from "./claude-code.js";
import { codex } from "./codex.js";
import type { ChatHost, HostName } from "./host.js";
import { opencode } from "./opencode.js";

export const hosts: Readonly<Record<HostName, ChatHost>> = { "claude-code": claudeCode, codex, opencode };
