// Owns which of the arguments are words that name a command, written out, and which entry of the package runs it. Loads nothing for that.
import { callerCommands, daemonCommands, shortWords } from "../../operations/command-words.gen.js";
import { plannedNames } from "../../operations/planned.js";

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

/** The arguments as help shows them: `ws ls` is `workspace list`, `help run` is `run --help`, `-v` is `--version`. */
export function writtenOut(args: readonly string[]): readonly string[] {
  const { json, rest } = takeJson(args);
  const words = commandWords(rest);
  const [first = "", ...others] = rest;
  if (others.length === 0 && ["-v", "version"].includes(first)) return withJson(json, ["--version"]);
  const written: string[] = [];
  let asksHelp = false;
  for (const word of words) {
    if (!asksHelp && word === "help" && isGroup(written)) asksHelp = true;
    else written.push(fullWord(written, word));
  }
  return withJson(json, [...written, ...(asksHelp ? ["--help"] : []), ...rest.slice(words.length)]);
}

/** `command` has what the daemon does, `mcp` the MCP server, `any` the rest and everything. */
export type EntryName = "command" | "mcp" | "any";

/** The smallest that has what the arguments ask for. */
export function entryFor(args: readonly string[]): EntryName {
  const words = commandWords(args);
  const begins = (path: readonly string[]) => path.every((word, index) => words[index] === word);
  if (begins(["mcp", "serve"])) return "mcp";
  return [...daemonCommands, ["completion", "names"]].some(begins) ? "command" : "any";
}

function withJson(json: boolean, args: readonly string[]): readonly string[] {
  return json ? ["--json", ...args] : args;
}

/** The word that a short one stands for; others as they are. */
export function longWord(word: string): string {
  return Object.hasOwn(shortWords, word) ? (shortWords[word] ?? word) : word;
}

/** Where the short word's would be one of a command. */
function fullWord(before: readonly string[], word: string): string {
  const words = [...before, longWord(word)];
  return isWhole(words) || isGroup(words) ? longWord(word) : word;
}

function isWhole(words: readonly string[]): boolean {
  return paths().some((path) => path.length === words.length && begins(path, words));
}

/** Of commands below it; no words at all are the group of all. */
function isGroup(words: readonly string[]): boolean {
  return !isWhole(words) && paths().some((path) => path.length > words.length && begins(path, words));
}

function begins(path: readonly string[], words: readonly string[]): boolean {
  return words.every((word, index) => path[index] === word);
}

function paths(): readonly (readonly string[])[] {
  return [...daemonCommands, ...callerCommands, ...plannedNames("commands").map((name) => name.split(" "))];
}
