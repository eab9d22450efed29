// Owns reading back from a schema which fields it has. Never validates values.
import * as z from "zod";

export interface Field {
  readonly name: string;
  /** Placeholder for a value, such as ENV; absent when the schema names none. */
  readonly title: string | undefined;
  readonly description: string;
  /** Names of JSON types, without null; more than one where the field takes a choice of them. */
  readonly types: readonly string[];
  readonly kind: "string" | "integer" | "number" | "boolean" | "list" | "map" | "object" | "any";
  readonly required: boolean;
  /** Undefined when there is none, or an empty list or map. */
  readonly default: string | number | boolean | undefined;
  /** The only values that are accepted, where they are few. */
  readonly choices: readonly string[] | undefined;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  /** Its own fields where it is an object, those of each item where it is a list of objects. */
  readonly items: readonly Field[];
}

const property = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  anyOf: z.array(z.looseObject({ type: z.string().optional() })).optional(),
  title: z.string().optional(),
  description: z.string().default(""),
  default: z.unknown().optional(),
  properties: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  items: z.unknown().optional(),
});

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const objectSchema = z.object({
  properties: z.record(z.string(), property),
  required: z.array(z.string()).default([]),
});

/** The fields of an object schema in their order, as a caller has to give them (`input`) or gets them (`output`). */
export function fieldsOf(schema: z.ZodObject, io: "input" | "output" = "input"): readonly Field[] {
  return fieldsIn(z.toJSONSchema(schema, { io }));
}

/** The flag of a field, without dashes; `names` has those that are not named after the field. */
export function flagNameOf(names: Readonly<Record<string, string>>, field: string): string {
  return names[field] ?? field.replaceAll("_", "-");
}

function fieldsIn(schema: unknown): readonly Field[] {
  const { properties, required } = objectSchema.parse(schema);
  return Object.entries(properties).map(([name, each]) => ({
    name,
    title: each.title,
    description: each.description,
    types: typesOf(each),
    kind: kindOf(each),
    required: required.includes(name),
    default: scalar.safeParse(each.default).data,
    choices: each.enum?.map(String),
    minimum: each.minimum,
    maximum: each.maximum,
    items: [each.items, each, ...(each.anyOf ?? [])].filter(isObject).flatMap(fieldsIn),
  }));
}

function isObject(schema: unknown): boolean {
  return objectSchema.safeParse(schema).success;
}

function typesOf(each: z.output<typeof property>): readonly string[] {
  const types = [each.type ?? each.anyOf?.map((choice) => choice.type ?? "") ?? []].flat();
  return types.filter((type) => type !== "null");
}

function kindOf(each: z.output<typeof property>): Field["kind"] {
  switch (typesOf(each).join("|")) {
    case "string":
      return "string";
    case "integer":
      return "integer";
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return "list";
    case "object":
      return isObject(each) ? "object" : "map";
    default:
      return "any";
  }
}
