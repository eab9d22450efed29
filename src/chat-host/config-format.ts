// Owns what a config file's format can do: be read, and be changed at one place with all other bytes kept. Never touches a file.

export type ConfigPath = readonly string[];

export type ParsedConfig =
  { readonly kind: "parsed"; readonly value: unknown } | { readonly kind: "broken"; readonly problem: SyntaxProblem };

/** Lines and columns count from 1. */
export interface SyntaxProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface ConfigFormat {
  parse(text: string): ParsedConfig;
  /** The text with this value at `path`; tables on the way are made. Expects a text that parses. */
  set(text: string, path: ConfigPath, value: unknown): string;
  /** The text without what is at `path`. */
  remove(text: string, path: ConfigPath): string;
}

/** The value at `path`; undefined when it, or a table on the way, is not there. */
export function valueAt(value: unknown, path: ConfigPath): unknown {
  let current = value;
  for (const key of path) {
    if (!isTable(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** A copy with this value at `path`, or without one when it is undefined. */
export function withValueAt(value: unknown, path: ConfigPath, wanted: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return wanted;
  const table = isTable(value) ? value : {};
  const inner = withValueAt(Object.hasOwn(table, key) ? table[key] : undefined, rest, wanted);
  const others = Object.entries(table).filter(([name]) => name !== key);
  return Object.fromEntries(inner === undefined ? others : [...others, [key, inner]]);
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `value` inside tables named by `path`. */
export function nested(path: ConfigPath, value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

/** The line ending that the text uses. */
export function lineEnding(text: string): "\r\n" | "\n" {
  return /\r\n/u.test(text) ? "\r\n" : "\n";
}

/** Counted from 1. */
export function positionAt(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}
