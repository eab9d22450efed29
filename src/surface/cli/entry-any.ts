// Owns the bundle that has every command. Never decides when it is taken.
import { daemonConnector } from "../open.js";
import { runCli } from "./cli.js";
import { loadCommand } from "./command.js";
import type { RunEntry } from "./entry.js";
import { runOperation } from "./run-operation.js";

export const run: RunEntry = (args, settled) =>
  runCli(args, {
    connector: daemonConnector(),
    find: (words) => loadCommand(words, runOperation),
    every: async () => (await import("./commands.js")).allCommands(),
    settled,
  });
