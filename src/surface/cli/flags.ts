// Owns how input fields, and parts of results, look as flags. Never reads arguments.
import { plannedBy, type PlannedKind } from "../../operations/planned.js";
import { fieldsOf, flagNameOf, type Field } from "../../operations/field.js";
import type { Command, Selection } from "./command.js";

export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** What stands for its value in help, undefined for a switch. */
  readonly placeholder: string | undefined;
  /** May be given more than once. */
  readonly repeated: boolean;
  /** One line, without the default. */
  readonly description: string;
  readonly default: Field["default"];
  readonly meaning: FlagMeaning;
}

/** `--all` takes all that there are, `--yes` answers the question that is asked before. */
export type SeveralFlag = "all" | "yes";

/** What giving the flag does: fills a field, fills it from a file, chooses the part of the result that is printed, or what it is done to. */
export type FlagMeaning =
  | { readonly kind: "value" | "file"; readonly field: Field }
  | { readonly kind: "select"; readonly selection: Selection }
  | { readonly kind: "several"; readonly flag: SeveralFlag };

/** All flags of the command: its fields that have no place of their own, then what chooses a part of the result. */
export function flagsOf(command: Command): readonly Flag[] {
  const { positionals = [], omit = [] } = command;
  const own = fieldsOf(command.input).filter(
    ({ name }) => !positionals.includes(name) && !omit.includes(name) && name !== command.rest,
  );
  return [...own.flatMap((field) => fieldFlags(command, field)), ...severalFlags(command), ...selectionFlags(command)];
}

/** The flag of a field, without dashes. */
export function flagName({ flagNames = {} }: Pick<Command, "flagNames">, field: string): string {
  return flagNameOf(flagNames, field);
}

/** Fields given by position, in order. */
export function positionalsOf(command: Command): readonly Field[] {
  const fields = fieldsOf(command.input);
  return (command.positionals ?? []).flatMap((name) => fields.filter((field) => field.name === name));
}

/** The name that help shows for a positional argument. */
export function positionalTitle(field: Field): string {
  return field.title ?? field.name.replaceAll("_", "-").toUpperCase();
}

/** The positional arguments in a usage line: `[…]` may be left out, `…` may be given more than once. */
export function placesOf(command: Command): readonly string[] {
  const fields = positionalsOf(command);
  return fields.map((field, at) => {
    const title = `${positionalTitle(field)}${command.several !== undefined && at === fields.length - 1 ? "..." : ""}`;
    return field.required ? title : `[${title}]`;
  });
}

const choiceKinds: Readonly<Record<string, PlannedKind>> = { profile: "profiles", mode: "modes" };

/** The only values that are accepted, without those that are planned. */
export function builtChoices({ name, choices = [] }: Pick<Field, "name" | "choices">): readonly string[] {
  const kind = choiceKinds[name];
  return kind === undefined ? choices : choices.filter((choice) => plannedBy(kind, choice) === undefined);
}

function fieldFlags(command: Command, field: Field): readonly Flag[] {
  const name = flagName(command, field.name);
  const ahead = (field.choices ?? []).filter((choice) => !builtChoices(field).includes(choice));
  const flag: Flag = {
    name,
    placeholder: placeholderOf(field),
    repeated: field.kind === "list" || field.kind === "map",
    description: ahead.length === 0 ? field.description : `${field.description} Planned: ${ahead.join(", ")}.`,
    default: field.default ?? command.fallbacks?.[field.name]?.shown,
    meaning: { kind: "value", field },
  };
  const fileFlag = command.fromFile?.[field.name];
  if (fileFlag === undefined) return [flag];
  const description = `The same from a file; - is standard input.`;
  const meaning: FlagMeaning = { kind: "file", field };
  return [flag, { ...flag, name: fileFlag, placeholder: "FILE", description, meaning }];
}

function severalFlags({ several }: Command): readonly Flag[] {
  if (several === undefined) return [];
  const flag = (name: SeveralFlag, description: string): Flag => ({
    name,
    placeholder: undefined,
    repeated: false,
    description,
    default: undefined,
    meaning: { kind: "several", flag: name },
  });
  return [flag("all", `All ${several.in} that there are; asks before.`), flag("yes", "The answer to that question.")];
}

function selectionFlags({ only = {}, raw = {}, toFile = {} }: Command): readonly Flag[] {
  const flags = (fields: Readonly<Record<string, string>>, how: Selection["how"]) =>
    Object.entries(fields).map(([name, field]): Flag => {
      const what = field.replaceAll("_", " ");
      return {
        name,
        placeholder: how === "file" ? "FILE" : undefined,
        repeated: false,
        description: how === "file" ? `Write the ${what} to this new file.` : `Print the ${what} and nothing else.`,
        default: undefined,
        meaning: { kind: "select", selection: { field, how } },
      };
    });
  return [...flags(only, "line"), ...flags(raw, "raw"), ...flags(toFile, "file")];
}

function placeholderOf(field: Field): string | undefined {
  if (field.kind === "boolean") return undefined;
  if (field.choices !== undefined) return builtChoices(field).join("|");
  if (field.title !== undefined) return field.title;
  if (field.kind === "map") return "KEY=VALUE";
  return field.kind === "integer" || field.kind === "number" ? "N" : "TEXT";
}
