// Owns TOML config files: reading them and changing one key. Never reformats what is there.
import { getStaticTOMLValue, parseTOML, ParseError, traverseNodes, type AST } from "toml-eslint-parser";
import { isTable, lineEnding, type ConfigFormat, type ConfigPath, type ParsedConfig } from "./config-format.js";

export const toml: ConfigFormat = { parse, set, remove };

function parse(text: string): ParsedConfig {
  try {
    const tree = treeOf(text);
    const evil = prototypeKey(tree);
    if (evil === undefined) return { kind: "parsed", value: getStaticTOMLValue(tree) };
    const { line, column } = evil.loc.start;
    return { kind: "broken", problem: { line, column: column + 1, message: "the key __proto__ is not accepted" } };
  } catch (error) {
    if (error instanceof ParseError) {
      return { kind: "broken", problem: { line: error.lineNumber, column: error.column + 1, message: error.message } };
    }
    if (!(error instanceof RangeError)) throw error;
    return { kind: "broken", problem: { line: 1, column: 1, message: "it is nested too deeply" } };
  }
}

/** The library makes tables by plain assignment: such a key would give every object of this process what stands below it. */
function prototypeKey(tree: AST.TOMLProgram): AST.TOMLBare | AST.TOMLQuoted | undefined {
  let found: AST.TOMLBare | AST.TOMLQuoted | undefined;
  traverseNodes(tree, {
    enterNode: (node) => {
      if ((node.type === "TOMLBare" || node.type === "TOMLQuoted") && nameOf(node) === "__proto__") found ??= node;
    },
    leaveNode: () => undefined,
  });
  return found;
}

function set(text: string, path: ConfigPath, value: unknown): string {
  const pairs = [...pairsOf(treeOf(text))];
  const found = pairs.find((pair) => samePath(pair.path, path));
  if (found === undefined) return insert(text, path, value);
  const [start, stop] = found.node.value.range;
  return text.slice(0, start) + literal(value) + text.slice(stop);
}

/** Only for what is on lines of its own, or in an inline table; the text as it is where that cannot be done. */
function remove(text: string, path: ConfigPath): string {
  const tree = treeOf(text);
  const found = [...pairsOf(tree)].find((pair) => samePath(pair.path, path));
  if (found === undefined) return withoutTables(text, tree, path);
  const [start, stop] = found.node.range;
  const table = found.node.parent;
  if (table.type === "TOMLInlineTable") {
    const others = table.body.filter((each) => each !== found.node).map(({ range }) => text.slice(...range));
    const inner = others.length === 0 ? "{}" : `{ ${others.join(", ")} }`;
    return text.slice(0, table.range[0]) + inner + text.slice(table.range[1]);
  }
  return text.slice(0, lineStart(text, start)) + text.slice(lineEnd(text, stop));
}

/** Without the tables at `path` and below it, and without keys with dots that lead there. */
function withoutTables(text: string, tree: AST.TOMLProgram, path: ConfigPath): string {
  const tables = tree.body[0].body.filter((node) => node.type === "TOMLTable" && isBelow(node.resolvedKey, path));
  const dotted = [...pairsOf(tree)].filter(
    (pair) => isBelow(pair.path, path) && !isBelow(pair.table, path) && pair.node.parent.type !== "TOMLInlineTable",
  );
  const ranges = [...tables, ...dotted.map(({ node }) => node)].map(({ range }) => range);
  return ranges
    .toSorted(([left], [right]) => right - left)
    .reduce((rest, [start, stop]) => withoutLines(rest, lineStart(rest, start), lineEnd(rest, stop)), text);
}

/** What ends the text takes the blank line before it along, which stood there for it. */
function withoutLines(text: string, start: number, stop: number): string {
  const before = text.slice(0, start);
  return (stop === text.length ? before.replace(/(\r?\n)\r?\n$/u, "$1") : before) + text.slice(stop);
}

function treeOf(text: string): AST.TOMLProgram {
  return parseTOML(text, { tomlVersion: "1.1" });
}

interface Pair {
  readonly path: ConfigPath;
  /** Path of the table that it is written in. */
  readonly table: ConfigPath;
  readonly node: AST.TOMLKeyValue;
}

/** Every `key = value`, those of inline tables too; tables inside arrays left out. */
function* pairsOf(tree: AST.TOMLProgram): Generator<Pair> {
  for (const node of tree.body[0].body) {
    if (node.type === "TOMLKeyValue") yield* pairAndInner(node, []);
    else if (node.resolvedKey.every((key) => typeof key === "string")) {
      for (const inner of node.body) yield* pairAndInner(inner, node.resolvedKey);
    }
  }
}

function* pairAndInner(node: AST.TOMLKeyValue, table: ConfigPath): Generator<Pair> {
  const path = [...table, ...node.key.keys.map(nameOf)];
  yield { path, table, node };
  if (node.value.type !== "TOMLInlineTable") return;
  for (const inner of node.value.body) yield* pairAndInner(inner, path);
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}

/** Into the table around it, however that is written; else as a new table at the end. */
function insert(text: string, path: ConfigPath, value: unknown): string {
  const tree = treeOf(text);
  const parent = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  const pairs = [...pairsOf(tree)];
  const inline = pairs.find((pair) => samePath(pair.path, parent))?.node.value;
  if (inline?.type === "TOMLInlineTable") return intoInline(text, inline, `${name(key)} = ${literal(value)}`);
  const table = tree.body[0].body.find((node) => node.type === "TOMLTable" && samePath(node.resolvedKey, parent));
  if (table?.type === "TOMLTable") {
    const after = table.body.at(-1)?.range[1] ?? table.key.range[1];
    return intoLines(text, after, `${name(key)} = ${literal(value)}`);
  }
  const sibling = pairs.findLast((pair) => isBelow(pair.path, parent) && !isBelow(pair.table, parent));
  if (sibling !== undefined && sibling.node.parent.type !== "TOMLInlineTable") {
    const dotted = path.slice(sibling.table.length).map(name).join(".");
    return intoLines(text, sibling.node.range[1], `${dotted} = ${literal(value)}`);
  }
  // Such as `env` of an entry that has none.
  if (parent.length > 1 && !pairs.some((pair) => isBelow(pair.path, parent))) {
    return insert(text, parent, { [key]: value });
  }
  return isTable(value) ? appendTable(text, path, value) : appendTable(text, parent, { [key]: value });
}

function appendTable(text: string, path: ConfigPath, fields: Readonly<Record<string, unknown>>): string {
  const eol = lineEnding(text);
  const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
  const simple = Object.entries(fields).filter(([, value]) => !isTable(value));
  const tables = Object.entries(fields).filter(([, value]) => isTable(value));
  const lines = [`[${path.map(name).join(".")}]`, ...simple.map(([key, value]) => `${name(key)} = ${literal(value)}`)];
  const own = `${text}${gap}${lines.join(eol)}${eol}`;
  return tables.reduce((before, [key, value]) => appendTable(before, [...path, key], isTable(value) ? value : {}), own);
}

function intoInline(text: string, table: AST.TOMLInlineTable, pair: string): string {
  const last = table.body.at(-1);
  if (last === undefined) return `${text.slice(0, table.range[0])}{ ${pair} }${text.slice(table.range[1])}`;
  return `${text.slice(0, last.range[1])}, ${pair}${text.slice(last.range[1])}`;
}

/** As a line after the one that `offset` is on. */
function intoLines(text: string, offset: number, line: string): string {
  const at = lineEnd(text, offset);
  const eol = lineEnding(text);
  const open = text.slice(0, at).endsWith("\n") ? "" : eol;
  return `${text.slice(0, at)}${open}${line}${eol}${text.slice(at)}`;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** After its newline. */
function lineEnd(text: string, offset: number): number {
  const found = text.indexOf("\n", offset);
  return found === -1 ? text.length : found + 1;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (!isTable(value)) return typeof value === "string" ? quoted(value) : String(value);
  const pairs = Object.entries(value).map(([key, inner]) => `${name(key)} = ${literal(inner)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** JSON's escapes are TOML's too; TOML wants one more. */
function quoted(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

function name(key: string): string {
  return /^[A-Za-z0-9_-]+$/u.test(key) ? key : quoted(key);
}

function samePath(left: readonly (string | number)[], right: ConfigPath): boolean {
  return left.length === right.length && isBelow(left, right);
}

function isBelow(path: readonly (string | number)[], table: ConfigPath): boolean {
  return table.every((key, index) => path[index] === key);
}
