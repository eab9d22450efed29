// Owns how each chat host is used in a terminal: what it asks, what it shows, which keys it takes. Never registers anything.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codexProvider } from "./headless.js";
import type { ChatHost } from "./hosts.js";
import { keys } from "./screen.js";

export interface InteractiveHost {
  /** After the program's name. */
  args(modelUrl: string): readonly string[];
  /** Makes a user of this HOME one that has used the host before. */
  welcome(user: string, project: string): void;
  /** What it asks at its first start in a project, and the keys that say yes. */
  readonly questions: readonly (readonly [string, string])[];
  /** That it takes a prompt. */
  readonly ready: string;
  /** The command that lists the servers; undefined where the first screen does. */
  readonly servers: string | undefined;
  readonly connected: string;
  /** Leaves that list, where it takes the keys. */
  readonly leave: readonly (readonly [string, string])[];
  /** The question before a tool that adds or runs something; Enter says yes. */
  readonly asks: string | undefined;
  /** While a tool runs, and keys that stop it, each after the words before it. */
  readonly interrupt: readonly (readonly [string, string])[];
  readonly interrupted: string;
  /** The same for the end of the session. */
  readonly quit: readonly (readonly [string, string])[];
}

export const interactiveHosts: Readonly<Record<ChatHost, InteractiveHost>> = {
  "claude-code": {
    args: () => [],
    // Its welcome asks for the colours, and wants to reach its maker.
    welcome: (user) => {
      const path = join(user, ".claude.json");
      const settings: unknown = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
      writeFileSync(path, JSON.stringify({ ...Object(settings), hasCompletedOnboarding: true }));
    },
    questions: [
      ["Yes, I trust this folder", keys.enter],
      ["Do you want to use this API key?", "1"],
    ],
    ready: "? for shortcuts",
    servers: "/mcp",
    // Of the line, what changes when it is connected: no more is drawn then.
    connected: "18 tools",
    leave: [
      ["", keys.escape],
      ["dialog dismissed", ""],
    ],
    asks: "Do you want to proceed?",
    interrupt: [["esc to interrupt", keys.escape]],
    interrupted: "? for shortcuts",
    quit: [
      ["", keys.interrupt],
      ["Press Ctrl-C again to exit", keys.interrupt],
    ],
  },
  codex: {
    // A provider on the command line keeps it in one process; else a server of its own outlives the screen.
    args: codexProvider,
    // Its question whether to trust the project drops a key that comes right after it.
    welcome: (user, project) => {
      const trust = `\n[projects.${JSON.stringify(project)}]\ntrust_level = "trusted"\n`;
      appendFileSync(join(user, ".codex", "config.toml"), trust);
    },
    questions: [],
    ready: "Ask Codex to do anything",
    servers: "/mcp",
    // It has them a moment before it calls the server connected, and does not show that moment pass.
    connected: "(18 tools)",
    leave: [],
    asks: undefined,
    interrupt: [["esc to interrupt", keys.escape]],
    interrupted: "Conversation interrupted",
    quit: [["", keys.interrupt]],
  },
  opencode: {
    args: () => [],
    welcome: () => undefined,
    questions: [],
    ready: "Ask anything",
    servers: undefined,
    connected: "⊙ 1 MCP",
    leave: [],
    asks: undefined,
    interrupt: [
      ["esc interrupt", keys.escape],
      ["again to interrupt", keys.escape],
    ],
    interrupted: "interrupted",
    quit: [["", keys.interrupt]],
  },
};
