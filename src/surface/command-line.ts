// Owns how a call that a sentence names looks in a terminal. Never runs one.
import type { CallInput, CallPart, CallValue, FieldPart, Speaker } from "../base/say.js";
import { shellWord } from "../base/shell-word.js";
import { fieldsOf, flagNameOf, type Field } from "../operations/field.js";
import type { CliShape, Operation } from "../operations/operation.js";

/** Such as `pyro workspace reset w-1`; what the input leaves out and the command needs stands in capitals. */
export function terminalSpeaker(find: (name: string) => Operation | undefined): Speaker {
  return {
    call: ({ call, input }: CallPart) => {
      const operation = find(call);
      const words = operation === undefined ? undefined : commandWords(operation, input);
      return words === undefined ? undefined : `\`${words.join(" ")}\``;
    },
    field: ({ of, field, value }: FieldPart) => {
      const operation = find(of);
      const found = operation && fieldsOf(operation.input).find(({ name }) => name === field);
      if (operation?.cli === undefined || found === undefined) return undefined;
      if (isPositional(operation.cli, field)) return titleOf(found);
      return flagWords(operation.cli, found, value)?.join(" ");
    },
  };
}

function commandWords({ cli, input: schema }: Operation, input: CallInput): readonly string[] | undefined {
  if (cli === undefined) return undefined;
  const fields = fieldsOf(schema);
  const places = (cli.positionals ?? []).flatMap((name) => fields.filter((field) => field.name === name));
  const lastGiven = places.findLastIndex(({ name, required }) => required || input[name] !== undefined);
  const positionals = places.slice(0, lastGiven + 1).map((field) => {
    const value = input[field.name];
    return value === undefined ? titleOf(field) : shellWord(String(value));
  });
  const flags = fields
    .filter(({ name }) => input[name] !== undefined && !isPositional(cli, name))
    .map((field) => flagWords(cli, field, input[field.name]));
  if (flags.includes(undefined)) return undefined;
  const rest = cli.rest === undefined ? [] : ["--", ...restWords(input[cli.rest])];
  return ["pyro", ...cli.path, ...positionals, ...flags.flatMap((words) => words ?? []), ...rest];
}

/** Undefined where the command line does not offer the field. */
function flagWords(cli: CliShape, { name, kind }: Field, value: CallValue | undefined): readonly string[] | undefined {
  if (cli.omit?.includes(name) === true) return undefined;
  const flag = `--${flagNameOf(cli.flagNames ?? {}, name)}`;
  if (kind === "boolean") return value === false ? [] : [flag];
  if (value === undefined) return [flag];
  return [value].flat().flatMap((each) => [flag, shellWord(String(each))]);
}

function isPositional({ positionals = [], rest }: CliShape, field: string): boolean {
  return positionals.includes(field) || field === rest;
}

function restWords(value: CallValue | undefined): readonly string[] {
  if (value === undefined) return ["COMMAND"];
  return [value].flat().map((word) => shellWord(String(word)));
}

function titleOf({ name, title }: Field): string {
  return title ?? name.replaceAll("_", "-").toUpperCase();
}
