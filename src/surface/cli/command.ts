// Owns what a command of the command line is, whether it comes from the table or not. Never parses or runs one.
import type * as z from "zod";
import type { PlannedKind } from "../../operations/planned.js";
import { plannedNames } from "../../operations/planned.js";
import type { CliShape, Operation } from "../../operations/operation.js";
import { needsText } from "../../operations/needs.js";
import { indexedCommands } from "../../operations/commands.gen.js";
import type { Connector } from "../connection.js";
import type { Sink } from "./sink.js";

/** What a running command has of its surroundings. */
export interface Context {
  readonly connector: Connector;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly json: boolean;
  /** Aborted when nobody reads standard output any more, or it cannot be written. */
  readonly outputFailed: AbortSignal;
  /** For a command that serves: all that its start needs has been compiled. */
  settled(): void;
}

/** How its arguments look, and what it does with them. */
export interface Command extends Omit<CliShape, "passThrough" | "exitCode">, Pick<Operation, "carries"> {
  readonly summary: string;
  readonly input: z.ZodObject;
  /** Input fields that hold paths of the host. */
  readonly hostPaths?: Operation["hostPaths"];
  /** Works, but help does not show it. */
  readonly hidden?: boolean;
  /** Shown at the end of its help. */
  readonly notes: readonly string[];
  /** Resolves with the exit code; failures are thrown. */
  run(input: WireInput, context: CommandContext): Promise<number>;
}

export type WireInput = Readonly<Record<string, unknown>>;

/** Where a part of the result goes, when the arguments ask for a part. */
export interface Selection {
  /** Field of the result. */
  readonly field: string;
  readonly how: "line" | "raw" | "file";
  /** The file to make, where it goes to one. */
  readonly path?: string;
}

export interface CommandContext extends Context {
  readonly selection: Selection | undefined;
  /** Bytes of the selection's file, where they went there as they came. */
  readonly written?: number | undefined;
}

/** An operation as a command; undefined for one that has no place on the command line. */
export function commandOf(operation: Operation, run: (operation: Operation) => Command["run"]): Command | undefined {
  const { cli, summary, input, needs, carries, hostPaths = {} } = operation;
  if (cli === undefined) return undefined;
  const notes = [...(needs === undefined ? [] : [needsText[needs]]), ...notesOf(operation)];
  const sent = carries === undefined ? {} : { carries };
  return { ...cli, ...sent, summary, input, hostPaths, notes, run: run(operation) };
}

/** The operation whose command `words` begin with; none of the others is loaded. */
export async function loadCommand(
  words: readonly string[],
  run: (operation: Operation) => Command["run"],
): Promise<Command | undefined> {
  const found = longestMatch(indexedCommands, words);
  return found === undefined ? undefined : commandOf(await found.load(), run);
}

function notesOf({ cli, ran }: Operation): readonly string[] {
  if (cli?.passThrough === true)
    return [
      ...exitNotes,
      "Standard input is passed on when it is a pipe, a file or a socket; of a terminal nothing is, and the command's input is empty.",
      "There is no shell around the command: `-- sh -c 'ls | wc -l'`.",
    ];
  return ran !== undefined ? [...exitNotes, "While the command still runs: 75."] : (cli?.notes ?? []);
}

const exitNotes = [
  "Exits as the command did (124 on timeout, 128+n on signal n).",
  "Failures of pyro itself: 64 bad usage, 69 no machine could be started, 125 anything else.",
];

/** The one whose path begins `words`, the longest first. */
export function longestMatch<Placed extends { readonly path: readonly string[] }>(
  commands: readonly Placed[],
  words: readonly string[],
): Placed | undefined {
  return commands
    .filter(({ path }) => path.every((word, index) => words[index] === word))
    .sort((left, right) => right.path.length - left.path.length)[0];
}

/** The next words that may follow `prefix`, planned ones too. */
export function nextWords(commands: readonly Command[], prefix: readonly string[]): readonly string[] {
  const kind: PlannedKind = "commands";
  const paths = [
    ...commands.filter(({ hidden }) => hidden !== true).map(({ path }) => path),
    ...plannedNames(kind).map((words) => words.split(" ")),
  ];
  const following = paths
    .filter((path) => path.length > prefix.length && prefix.every((word, index) => path[index] === word))
    .map((path) => path[prefix.length] ?? "");
  return [...new Set(following)];
}
