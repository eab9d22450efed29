// Owns how the fields of an operation look in the reference. Never reads anything but schemas.
import type * as z from "zod";
import { fieldsOf, type Field } from "../../operations/field.js";
import { table } from "./markdown.js";

export interface FieldTableOptions {
  /** Fields that the surface leaves out. */
  readonly without?: (name: string) => boolean;
  /** Turns a wire name into the surface's. */
  readonly nameOf?: (name: string) => string;
}

export function inputTable(schema: z.ZodObject, { nameOf = (name) => name }: FieldTableOptions = {}): string {
  const rows = fieldsOf(schema).map((field) => [
    `\`${nameOf(field.name)}\``,
    typeOf(field),
    defaultOf(field),
    field.description,
  ]);
  return table(["Field", "Type", "Default", "Meaning"], rows);
}

export function outputTable(schema: z.ZodObject, options: FieldTableOptions = {}): string {
  return table(["Field", "Type", "Meaning"], outputRows(fieldsOf(schema, "output"), options));
}

/** Schemas that several operations return are told once: the name under which it was, or undefined the first time. */
export function firstTold(told: Map<z.ZodObject, string>, schema: z.ZodObject, name: string): string | undefined {
  const first = told.get(schema);
  if (first === undefined) told.set(schema, name);
  return first;
}

function outputRows(fields: readonly Field[], options: FieldTableOptions, prefix = ""): readonly (readonly string[])[] {
  const { nameOf = (name) => name, without = () => false } = options;
  return fields
    .filter(({ name }) => !without(name))
    .flatMap((field) => {
      const name = `${prefix}${nameOf(field.name)}`;
      const row = [`\`${name}\`${field.required ? "" : " (optional)"}`, typeOf(field), field.description];
      return [row, ...outputRows(field.items, options, field.kind === "list" ? `${name}[].` : `${name}.`)];
    });
}

function typeOf({ types, choices, minimum, maximum }: Field): string {
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(" or ");
  const isBounded = minimum !== undefined && maximum !== undefined && Math.abs(minimum) < Number.MAX_SAFE_INTEGER;
  const names = types.map((type) => (type === "array" ? "list" : type)).join(" or ") || "any";
  return isBounded ? `${names}, ${minimum} to ${maximum}` : names;
}

function defaultOf(field: Field): string {
  if (field.default !== undefined) return `\`${String(field.default)}\``;
  return field.required ? "required" : "";
}
