// Owns turning field names between snake_case and camelCase, as types and at run time. Never touches names that users chose.
import type * as z from "zod";

export type CamelCase<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Text;

/** The same value with its fields in camelCase, at every depth; maps from user's names to values stay as they are. */
export type Camel<Value> = Value extends readonly (infer Item)[]
  ? Camel<Item>[]
  : Value extends object
    ? string extends keyof Value
      ? Value
      : { [Key in keyof Value as Key extends string ? CamelCase<Key> : Key]: Camel<Value[Key]> }
    : Value;

export function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/gu, (_match, letter: string) => letter.toUpperCase());
}

/** `value` of `schema` with its fields in camelCase. */
export function toCamel(schema: z.core.$ZodType, value: unknown): unknown {
  return rename(
    schema,
    value,
    (shape) => new Map(Object.keys(shape).map((name) => [name, { to: camelCase(name), name }])),
  );
}

/** `value` with camelCase fields as `schema` wants it; names that are no field's stay, so that they are refused by name. */
export function toSnake(schema: z.core.$ZodType, value: unknown): unknown {
  return rename(
    schema,
    value,
    (shape) => new Map(Object.keys(shape).map((name) => [camelCase(name), { to: name, name }])),
  );
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;
type Names = (shape: Shape) => ReadonlyMap<string, { readonly to: string; readonly name: string }>;

function rename(schema: z.core.$ZodType, value: unknown, names: Names): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "object") {
    if (typeof value !== "object" || value === null) return value;
    const renamed = names(def.shape);
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const field = renamed.get(key);
        const inside = field === undefined ? undefined : def.shape[field.name];
        return field === undefined || inside === undefined ? [key, inner] : [field.to, rename(inside, inner, names)];
      }),
    );
  }
  if (def.type === "array") {
    return Array.isArray(value) ? value.map((item) => rename(def.element, item, names)) : value;
  }
  if (def.type === "record") {
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rename(def.valueType, inner, names)]));
  }
  if (def.type === "optional" || def.type === "nullable" || def.type === "default" || def.type === "readonly") {
    return rename(def.innerType, value, names);
  }
  return value;
}
