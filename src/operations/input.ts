// Owns checking what a caller gave against an operation's schema. Never changes what a value means.
import type * as z from "zod";
import { closest } from "../base/closest.js";
import { PyroError } from "../base/error.js";

export interface InputOptions {
  /** How the caller writes a field's name, such as `--mem-mib`; the wire name when absent. */
  readonly nameOf?: (field: string) => string;
  /** Where the caller finds what is accepted. */
  readonly hint?: string;
}

/** The parsed input with its defaults; throws `invalid_argument`, which names every wrong field. */
export function parseInput<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  { nameOf = (field) => field, hint = "Correct it and call again." }: InputOptions = {},
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const known = Object.keys(schema.shape);
  const problems = parsed.error.issues.flatMap((issue) => describe(issue, known, nameOf));
  throw new PyroError("invalid_argument", problems.join(" "), { hint, cause: parsed.error });
}

function describe(issue: z.core.$ZodIssue, known: readonly string[], nameOf: (field: string) => string): string[] {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    return issue.keys.map((key) => {
      const meant = closest(key, known);
      const rest =
        meant === undefined
          ? `Known are: ${known.map(nameOf).join(", ") || "none"}.`
          : `Did you mean ${nameOf(meant)}?`;
      return `Unknown field ${nameOf(key)}. ${rest}`;
    });
  }
  const [field, ...inner] = issue.path.map(String);
  const where = field === undefined ? "The input" : [nameOf(field), ...inner].join(".");
  return [`${where} ${complaint(issue)}.`];
}

function complaint(issue: z.core.$ZodIssue): string {
  if (issue.message.endsWith("received undefined")) return "is required";
  if (issue.code === "too_small" && issue.origin !== "string") return `must be at least ${issue.minimum}`;
  if (issue.code === "too_big" && issue.origin !== "string") return `must be at most ${issue.maximum}`;
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? "has a key that is not accepted";
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  return issue.code === "invalid_format" ? issue.message : `is not accepted: ${issue.message}`;
}
