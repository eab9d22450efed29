// Owns the list of all commands: the operations' and those that only the command line has. Never runs one.
import { demoCommand } from "./demo.js";
import { demoOllamaCommand } from "./demo-ollama.js";
import { operationCommands, type Command } from "./command.js";
import { daemonServeCommand, mcpServeCommand } from "./serve.js";
import { runOperation } from "./run-operation.js";

export function allCommands(): readonly Command[] {
  return [...operationCommands(runOperation), mcpServeCommand, demoCommand, demoOllamaCommand, daemonServeCommand];
}
