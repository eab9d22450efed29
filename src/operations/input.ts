// Owns checking what a caller gave against an operation's schema. Never changes what a value means.
import type * as z from "zod";
import { closest } from "../base/closest.js";
import { PyroError } from "../base/error.js";
import { brokenAt, shortened, wholeText } from "../base/text.js";
import { heldContent } from "./fields.js";

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
  refuseCrowds(value, nameOf, hint);
  checkTexts(schema, value, { nameOf, hint });
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const known = Object.keys(schema.shape);
  const problems = parsed.error.issues.slice(0, maxProblems).flatMap((issue) => describe(issue, known, nameOf));
  throw new PyroError("invalid_argument", problems.join(" "), { hint, cause: parsed.error });
}

/** Entries of an object or a map, far above what any schema takes: checking each of a million takes half a minute. */
const maxEntries = 1000;
/** Problems that are named, and characters of a name that the caller has made up. */
const maxProblems = 20;
const maxName = 100;

function refuseCrowds(value: unknown, nameOf: (field: string) => string, hint: string): void {
  const count = (each: unknown): number =>
    typeof each === "object" && each !== null && !Array.isArray(each) ? Object.keys(each).length : 0;
  const refuse = (what: string, entries: number): void => {
    if (entries <= maxEntries) return;
    throw new PyroError("invalid_argument", `${what} has ${entries} entries, which is more than ${maxEntries}.`, {
      hint,
    });
  };
  refuse("The input", count(value));
  for (const [field, each] of Object.entries(Object(value))) refuse(nameOf(field), count(each));
}

/** Schemas are nested less than this. */
const maxDepth = 8;

/** Refuses a text that no file, program or path can have: one that is not Unicode, or has a NUL where a file's content could not. */
export function checkTexts(
  { shape }: z.ZodObject,
  value: unknown,
  { nameOf = (field) => field, hint = "Correct it and call again." }: InputOptions = {},
): void {
  for (const [field, schema] of Object.entries(shape)) {
    const mayHoldNul = schema.meta()?.["holds"] === heldContent.holds;
    const given: unknown = Object(value)[field];
    for (const { text, path } of textsIn(given, [])) {
      const problem = textProblem(text, mayHoldNul);
      if (problem === undefined) continue;
      const where = [nameOf(field), ...path.map(shortName)].join(".");
      throw new PyroError("invalid_argument", `${where} ${problem}.`, { hint, details: { field } });
    }
  }
}

interface FoundText {
  readonly text: string;
  /** Below the field. */
  readonly path: readonly string[];
}

/** Keys too: those of a map are the caller's. */
function* textsIn(value: unknown, path: readonly string[]): Generator<FoundText> {
  if (typeof value === "string") yield { text: value, path };
  if (typeof value !== "object" || value === null || path.length > maxDepth) return;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) yield { text: key, path: [...path, key] };
    yield* textsIn(inner, [...path, key]);
  }
}

function textProblem(text: string, mayHoldNul: boolean): string | undefined {
  const broken = brokenAt(text);
  if (broken !== -1) {
    const code = text.charCodeAt(broken).toString(16).toUpperCase();
    return `is no Unicode text: at character ${broken + 1} it has U+${code}, which is half of a surrogate pair`;
  }
  const nul = mayHoldNul ? -1 : text.indexOf("\0");
  return nul === -1 ? undefined : `has a NUL at character ${nul + 1}`;
}

function shortName(name: string): string {
  return wholeText(shortened(name, maxName));
}

function describe(issue: z.core.$ZodIssue, known: readonly string[], nameOf: (field: string) => string): string[] {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    return issue.keys
      .slice(0, maxProblems)
      .map(shortName)
      .map((key) => {
        const meant = closest(key, known);
        const rest =
          meant === undefined
            ? `Known are: ${known.map(nameOf).join(", ") || "none"}.`
            : `Did you mean ${nameOf(meant)}?`;
        return `Unknown field ${nameOf(key)}. ${rest}`;
      });
  }
  const [field, ...inner] = issue.path.map(String).map(shortName);
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
