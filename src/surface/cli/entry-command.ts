// Owns the bundle of the commands that the daemon answers: they are many and short. Never holds a command of another kind.
import { PyroError } from "../../base/error.js";
import { reachDaemon } from "../reach.js";
import { runCli } from "./cli.js";
import { loadCommand, longestMatch } from "./command.js";
import { completionNamesCommand } from "./completion/names.js";
import type { RunEntry } from "./entry.js";
import { runOperation } from "./run-operation.js";

export const run: RunEntry = (args, settled) =>
  runCli(args, {
    connector: { ...reachDaemon(process.env), here: elsewhere },
    find: async (words) => longestMatch([completionNamesCommand], words) ?? loadCommand(words, runOperation),
    every: elsewhere,
    settled,
  });

function elsewhere(): Promise<never> {
  return Promise.reject(new PyroError("internal", "This command belongs to another part of the package."));
}
