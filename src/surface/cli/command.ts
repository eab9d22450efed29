// Owns what a command of the command line is, whether it comes from the table or not. Never parses or runs one.
import type * as z from "zod";
import type { PlannedKind } from "../../operations/planned.js";
import { plannedNames } from "../../operations/planned.js";
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
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
}

export interface Command {
  /** Words after `pyro`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly input: z.ZodObject;
  readonly positionals: readonly string[];
  readonly rest: string | undefined;
  /** Works, but help does not show it. */
  readonly hidden: boolean;
  /** Shown at the end of its help. */
  readonly notes: readonly string[];
  /** Resolves with the exit code; failures are thrown. */
  run(input: WireInput, context: Context): Promise<number>;
}

export type WireInput = Readonly<Record<string, unknown>>;

/** Every operation that has a place on the command line. */
export function operationCommands(run: (operation: Operation) => Command["run"]): readonly Command[] {
  return operations.flatMap((operation: Operation) => {
    const shape = operation.cli;
    if (shape === undefined) return [];
    return [
      {
        path: shape.path,
        summary: operation.summary,
        input: operation.input,
        positionals: shape.positionals ?? [],
        rest: shape.rest,
        hidden: false,
        notes: shape.passThrough === true ? passThroughNotes : [],
        run: run(operation),
      },
    ];
  });
}

const passThroughNotes = [
  "Exits as the command did (124 on timeout, 128+n on signal n).",
  "Failures of pyro itself: 64 bad usage, 69 no machine could be started, 125 anything else.",
  "Standard input is passed on when it is a pipe, a file or a socket.",
];

/** The command whose path begins `words`, the longest first. */
export function findCommand(commands: readonly Command[], words: readonly string[]): Command | undefined {
  return commands
    .filter(({ path }) => path.every((word, index) => words[index] === word))
    .sort((left, right) => right.path.length - left.path.length)[0];
}

/** The next words that may follow `prefix`, planned ones too. */
export function nextWords(commands: readonly Command[], prefix: readonly string[]): readonly string[] {
  const kind: PlannedKind = "commands";
  const paths = [
    ...commands.filter(({ hidden }) => !hidden).map(({ path }) => path),
    ...plannedNames(kind).map((words) => words.split(" ")),
  ];
  const following = paths
    .filter((path) => path.length > prefix.length && prefix.every((word, index) => path[index] === word))
    .map((path) => path[prefix.length] ?? "");
  return [...new Set(following)];
}
