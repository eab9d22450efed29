// Owns the way from arguments to exit code. Never knows what a command does.
import { asPyroError, PyroError } from "../../base/error.js";
import { closest } from "../../base/closest.js";
import { jsonLine } from "../../base/json-line.js";
import { version } from "../../base/version.js";
import { plannedBy } from "../../operations/planned.js";
import type { Connector } from "../connection.js";
import { parseCommandArguments } from "./arguments.js";
import { refuseByteArguments } from "./byte-arguments.js";
import { longestMatch, nextWords, type Command, type Context } from "./command.js";
import { CommandFailure, exitCodes, outputClosed } from "./exit.js";
import { commandHelp, groupHelp } from "./help.js";
import { hasColours, paintError, paintHelp, type Paint } from "./paint.js";
import { runSeveral } from "./several.js";
import { createSink } from "./sink.js";
import { speakerFor } from "./speaker.js";
import { pipedStdin } from "./stdin.js";
import { readTextFile } from "./text-file.js";
import { commandWords, longWord, takeJson } from "./words.js";

/** The commands of a bundle, and what they share. */
export interface Program {
  readonly connector: Connector;
  /** The command that the words begin with, where it is found without loading every other. */
  find(words: readonly string[]): Promise<Command | undefined>;
  /** Loads every operation: for help, for the commands that are none, and for words that are no command. */
  every(): Promise<readonly Command[]>;
  /** Called when what the command needs has been compiled: at its end, or once it serves. */
  settled(): void;
}

/** Runs the command, waits until its output is out, and ends the process. */
export async function runCli(args: readonly string[], program: Program): Promise<void> {
  const output = new AbortController();
  const stdout = createSink(process.stdout, {
    guard: "terminal",
    colours: hasColours(process.stdout, process.env),
    onFailure: (reason) => output.abort(reason),
  });
  const stderr = createSink(process.stderr, {
    guard: "always",
    colours: hasColours(process.stderr, process.env),
    onFailure: () => undefined,
  });
  const { json, rest } = takeJson(args);
  const { connector, settled } = program;
  const context = { connector, stdout, stderr, json, outputFailed: output.signal, settled };
  const code = await dispatch(rest, context, program).catch((error: unknown) => report(error, context));
  await stdout.write("");
  await stderr.write("");
  settled();
  // Explicit, because standard input may stay open for as long as its writer likes.
  process.exit(output.signal.reason === "closed" ? outputClosed : output.signal.aborted ? exitCodes.internal : code);
}

async function dispatch(args: readonly string[], context: Context, { find, every }: Program): Promise<number> {
  refuseByteArguments(process.argv.slice(2));
  if (args.length === 1 && args[0] === "--version")
    return print(context, context.json ? JSON.stringify({ version }) : version);
  const words = commandWords(args);
  const command = (await find(words)) ?? longestMatch(await every(), words);
  if (command === undefined) return group(await every(), words, { args, context });
  refusePlanned(words, command);
  const parsed = await parseCommandArguments(command, args.slice(command.path.length), {
    read: readTextFile,
    isPiped: () => pipedStdin(process) !== undefined,
  });
  if (parsed.kind === "help") return print(context, commandHelp(command), paintHelp);
  const { selection } = parsed;
  if (selection !== undefined && context.json) {
    throw new PyroError("invalid_argument", `--json prints the whole result; it excludes what prints a part of it.`);
  }
  const own = { ...context, selection };
  if (parsed.kind === "several") return runSeveral(command, { chosen: parsed.chosen, report }, own);
  return command.run(parsed.input, own);
}

/** Help of a group of commands, or the error that names the word which is none. */
async function group(
  commands: readonly Command[],
  words: readonly string[],
  { args, context }: { readonly args: readonly string[]; readonly context: Context },
): Promise<number> {
  const flag = args[words.length];
  const known = words.findIndex((word, index) => !nextWords(commands, words.slice(0, index)).includes(word));
  refusePlanned(words);
  if (known !== -1) throw unknownCommand(commands, words.slice(0, known), words.slice(known));
  if (flag !== undefined && flag !== "--help" && flag !== "-h") {
    throw new PyroError("invalid_argument", `Unknown flag ${flag}.`, {
      hint: `Run \`${["pyro", ...words].join(" ")} --help\`.`,
    });
  }
  return print(context, groupHelp(commands, words), paintHelp);
}

function refusePlanned(words: readonly string[], command?: Command): void {
  for (let length = words.length; length > (command?.path.length ?? 0); length -= 1) {
    const path = words.slice(0, length).join(" ");
    const brings = plannedBy("commands", path);
    if (brings === undefined) continue;
    throw new PyroError("unsupported", `\`pyro ${path}\` is not built yet.`, {
      hint: `It is planned with ${brings}; \`pyro --help\` lists what works now.`,
    });
  }
}

function unknownCommand(commands: readonly Command[], prefix: readonly string[], words: readonly string[]): PyroError {
  const [word = ""] = words;
  const start = ["pyro", ...prefix].join(" ");
  const near = closest(word, nextWords(commands, prefix));
  const elsewhere = commandsEndingIn(commands, words);
  const meant = elsewhere.length > 0 || near === undefined ? elsewhere : [`${start} ${near}`];
  const question = meant.map((each) => `\`${each}\``).join(" or ");
  return new PyroError("invalid_argument", `Unknown command \`${start} ${word}\`.`, {
    hint: `${meant.length === 0 ? "" : `Did you mean ${question}? `}Run \`${start} --help\`.`,
  });
}

/** Commands that end in the words, such as `workspace exec` for `exec`. */
function commandsEndingIn(commands: readonly Command[], words: readonly string[]): readonly string[] {
  const wanted = words.map(longWord);
  return commands
    .filter(({ hidden, path }) => hidden !== true && path.length > 1 && endsInFirstOf(path, wanted))
    .map(({ path }) => ["pyro", ...path].join(" "));
}

function endsInFirstOf(path: readonly string[], words: readonly string[]): boolean {
  return path.some((_, at) => at > 0 && path.slice(at).every((word, index) => words[index] === word));
}

async function print({ stdout }: Context, text: string, paint?: Paint): Promise<number> {
  await stdout.write(`${text}\n`, paint);
  return 0;
}

/** The error for a person on standard error, or as the one document on standard output. */
async function report(thrown: unknown, context: Context): Promise<number> {
  const error = thrown instanceof CommandFailure ? thrown.error : asPyroError(thrown);
  error.spelledBy(await speakerFor(error.said.parts));
  if (context.json) await context.stdout.pass(jsonLine({ error: error.toBody() }));
  else if (!context.outputFailed.aborted)
    await context.stderr.write(
      `pyro: ${error.message}
${hintLine(error)}`,
      paintError,
    );
  else if (context.outputFailed.reason instanceof Error) {
    await context.stderr.write(`pyro: Standard output cannot be written: ${context.outputFailed.reason.message}\n`);
  }
  return thrown instanceof CommandFailure ? thrown.exitCode : exitCodes[error.code];
}

/** Who pressed Ctrl-C knows what to do next. */
function hintLine({ code, hint }: PyroError): string {
  return code === "canceled" ? "" : `  ${hint}\n`;
}
