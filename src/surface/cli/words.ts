// Owns which of the arguments are words that name a command, and which entry of the package runs it. Loads nothing for that.
import { daemonCommands } from "../../operations/daemon-commands.gen.js";

/** Words before the first flag; `--json`, which may stand anywhere before `--`, is none. */
export function commandWords(args: readonly string[]): readonly string[] {
  const { rest } = takeJson(args);
  const flagAt = rest.findIndex((arg) => arg.startsWith("-"));
  return flagAt === -1 ? rest : rest.slice(0, flagAt);
}

export function takeJson(args: readonly string[]): { readonly json: boolean; readonly rest: readonly string[] } {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const rest = args.filter((arg, index) => index >= end || arg !== "--json");
  return { json: rest.length < args.length, rest };
}

/** `command` has what the daemon does, `mcp` the MCP server, `any` the rest and everything. */
export type EntryName = "command" | "mcp" | "any";

/** The smallest that has what the arguments ask for. */
export function entryFor(args: readonly string[]): EntryName {
  const words = commandWords(args);
  const begins = (path: readonly string[]) => path.every((word, index) => words[index] === word);
  if (begins(["mcp", "serve"])) return "mcp";
  return daemonCommands.some(begins) ? "command" : "any";
}
