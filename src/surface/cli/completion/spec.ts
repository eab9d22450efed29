// Owns what can be typed after what, as the commands say it. Never writes it for a shell.
import type { Field } from "../../../operations/field.js";
import { nextWords, type Command } from "../command.js";
import { builtChoices, flagsOf, positionalsOf, type Flag } from "../flags.js";

/** What can stand at one place: words of ours, or what a shell has to ask or to look for. */
export type Place = readonly string[] | "workspaces" | "environments" | "files" | "nothing";

/** All of it, by the words of a command, joined by blanks; the group of all commands is the empty text. */
export interface CompletionSpec {
  /** Groups, with the words that follow them. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  readonly commands: ReadonlyMap<string, CompletedCommand>;
}

export interface CompletedCommand {
  /** With their dashes. */
  readonly flags: readonly string[];
  /** Of the flags that take a value. */
  readonly values: ReadonlyMap<string, Place>;
  /** By position; the last of them may repeat. */
  readonly places: readonly Place[];
  readonly lastRepeats: boolean;
}

export function completionSpec(commands: readonly Command[]): CompletionSpec {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  const groups = new Set([
    "",
    ...shown.flatMap(({ path }) => path.slice(1).map((_, at) => path.slice(0, at + 1).join(" "))),
  ]);
  const ofGroup = (group: string) => {
    const before = group === "" ? [] : group.split(" ");
    const built = nextWords(shown, before).filter((word) =>
      shown.some(({ path }) => startsWith(path, [...before, word])),
    );
    return [group, built] as const;
  };
  return {
    words: new Map([...groups].map(ofGroup)),
    commands: new Map(shown.map((command) => [command.path.join(" "), completed(command)])),
  };
}

function completed(command: Command): CompletedCommand {
  const flags = flagsOf(command);
  const taking = flags.filter(({ placeholder }) => placeholder !== undefined);
  return {
    flags: [...flags.map(({ name }) => `--${name}`), "--json", "--help"],
    values: new Map(taking.map((flag) => [`--${flag.name}`, placeOfFlag(command, flag)])),
    places: positionalsOf(command).map((field) => placeOf(command, field)),
    lastRepeats: command.several !== undefined,
  };
}

function placeOfFlag(command: Command, { meaning }: Flag): Place {
  if (meaning.kind === "value") return placeOf(command, meaning.field);
  return "files";
}

function placeOf({ hostPaths = {} }: Command, { name, choices }: Field): Place {
  if (choices !== undefined) return builtChoices({ name, choices });
  if (name === "workspace_id") return "workspaces";
  if (name === "environment") return "environments";
  return Object.hasOwn(hostPaths, name) ? "files" : "nothing";
}

function startsWith(path: readonly string[], words: readonly string[]): boolean {
  return words.every((word, index) => path[index] === word);
}
