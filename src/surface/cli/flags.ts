// Owns how input fields look as flags. Never reads arguments.
import { fieldsOf, type Field } from "../../operations/field.js";
import type { Command } from "./command.js";

export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly field: Field;
  /** What stands for its value in help, undefined for a switch. */
  readonly placeholder: string | undefined;
}

export function flagName(field: string): string {
  return field.replaceAll("_", "-");
}

/** Fields of the command that are given by flag: all that have no place of their own. */
export function flagsOf(command: Command): readonly Flag[] {
  return fieldsOf(command.input)
    .filter(({ name }) => !command.positionals.includes(name) && name !== command.rest)
    .map((field) => ({ name: flagName(field.name), field, placeholder: placeholderOf(field) }));
}

/** Fields given by position, in order. */
export function positionalsOf(command: Command): readonly Field[] {
  const fields = fieldsOf(command.input);
  return command.positionals.flatMap((name) => fields.filter((field) => field.name === name));
}

/** The name that help shows for a positional argument. */
export function positionalTitle(field: Field): string {
  return field.title ?? flagName(field.name).toUpperCase();
}

function placeholderOf(field: Field): string | undefined {
  if (field.kind === "boolean") return undefined;
  if (field.choices !== undefined) return field.choices.join("|");
  if (field.title !== undefined) return field.title;
  return field.kind === "integer" || field.kind === "number" ? "N" : "TEXT";
}
