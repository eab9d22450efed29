// Owns the list of all commands: the operations' and those that only the command line has. Never runs one.
import { demoCommand } from "../demo/command.js";
import { demoOllamaCommand } from "../demo/ollama-command.js";
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
import { completionCommand } from "./completion/completion.js";
import { completionNamesCommand } from "./completion/names.js";
import { commandOf, type Command } from "./command.js";
import { daemonServeCommand } from "./serve-daemon.js";
import { mcpServeCommand } from "./serve-mcp.js";
import { runOperation } from "./run-operation.js";

export function allCommands(): readonly Command[] {
  const own = operations.map((operation: Operation) => commandOf(operation, runOperation));
  const others = [
    ...own.filter((command) => command !== undefined),
    mcpServeCommand,
    demoCommand,
    demoOllamaCommand,
    daemonServeCommand,
  ];
  return [...others, completionCommand(others), completionNamesCommand];
}
