// Owns making a result smaller: long texts as head and tail, long lists without their end. Never drops a field but bytes.

export interface Bounds {
  /** Of each text at the top of the result. */
  readonly characters: number;
  /** Of each list. */
  readonly items: number;
  /** Fields that stay as they are. */
  readonly whole: readonly string[];
}

export interface Shrunk {
  readonly value: Record<string, unknown>;
  /** Items of lists that are missing. */
  readonly leftOut: number;
}

/** Characters of each text further down. */
const innerCharacters = 2000;

/** `known` are the fields that the result can have: where one of them says that another is cut, it is set. */
export function shrink(result: Readonly<Record<string, unknown>>, bounds: Bounds, known: readonly string[]): Shrunk {
  let leftOut = 0;
  const inside = (value: unknown, characters: number): unknown => {
    if (typeof value === "string") return cut(value, characters);
    if (Array.isArray(value)) {
      leftOut += Math.max(0, value.length - bounds.items);
      return value.slice(0, bounds.items).map((item) => inside(item, Math.min(innerCharacters, bounds.characters)));
    }
    if (typeof value !== "object" || value === null) return value;
    const inner = Math.min(innerCharacters, bounds.characters);
    return Object.fromEntries(visible(value).map(([name, each]) => [name, inside(each, inner)]));
  };
  const value = Object.fromEntries(
    visible(result).map(([name, each]) => [name, bounds.whole.includes(name) ? each : inside(each, bounds.characters)]),
  );
  for (const [name, each] of visible(result)) {
    if (lengthOf(value[name]) === lengthOf(each)) continue;
    for (const flag of [`${name}_truncated`, "truncated"]) if (known.includes(flag)) value[flag] = true;
  }
  return { value, leftOut };
}

/** Fields that MCP clients do not get: bytes as base64 would be cut to nothing of use. */
export function isLeftOut(field: string): boolean {
  return field.endsWith("_base64");
}

/** At most about `limit` characters; says how many are missing, and how to get at them. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const head = text.slice(0, half).replace(/[\uD800-\uDBFF]$/u, "");
  const tail = half === 0 ? "" : text.slice(-half).replace(/^[\uDC00-\uDFFF]/u, "");
  const missing = text.length - head.length - tail.length;
  return `${head}\n[… ${missing} characters cut here; read less at once, or filter (grep, head, tail, sed -n) …]\n${tail}`;
}

function visible(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).filter(([name]) => !isLeftOut(name));
}

function lengthOf(value: unknown): number | undefined {
  return typeof value === "string" || Array.isArray(value) ? value.length : undefined;
}
