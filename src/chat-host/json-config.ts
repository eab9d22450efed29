// Owns JSON config files, plain or with comments: reading them and changing one property. Never reformats what is there.
import { createScanner, getNodeValue, parseTree, printParseErrorCode, type Node, type ParseError } from "jsonc-parser";
import {
  isTable,
  lineEnding,
  nested,
  positionAt,
  type ConfigFormat,
  type ConfigPath,
  type ParsedConfig,
} from "./config-format.js";

/** JSON as the standard has it. */
export const strictJson: ConfigFormat = jsonFormat(false);

/** With comments and trailing commas; an empty text is an empty object. */
export const jsonWithComments: ConfigFormat = jsonFormat(true);

function jsonFormat(comments: boolean): ConfigFormat {
  return { parse: (text) => parse(text, comments), set, remove };
}

function parse(text: string, comments: boolean): ParsedConfig {
  const errors: ParseError[] = [];
  try {
    const root = parseTree(text, errors, {
      disallowComments: !comments,
      allowTrailingComma: comments,
      allowEmptyContent: comments,
    });
    const [first] = errors;
    if (first === undefined) return { kind: "parsed", value: root === undefined ? {} : getNodeValue(root) };
    return { kind: "broken", problem: { ...positionAt(text, first.offset), message: words(first) } };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { kind: "broken", problem: { line: 1, column: 1, message: "it is nested too deeply" } };
  }
}

/** Such as `comma expected`. */
function words({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/gu, "$1 $2")
    .toLowerCase();
}

function set(text: string, path: ConfigPath, value: unknown): string {
  const root = treeOf(text);
  if (root === undefined) return `${text}${stringify(text, nested(path, value), "")}${lineEnding(text)}`;
  let node = root;
  for (const [depth, key] of path.entries()) {
    const found = lastProperty(node, key)?.children?.[1];
    if (found === undefined) return insertProperty(text, node, [key, nested(path.slice(depth + 1), value)]);
    node = found;
  }
  const oneLine = !text.slice(node.offset, end(node)).includes("\n");
  const written = oneLine ? inline(value) : stringify(text, value, indentAt(text, node.offset));
  return replace(text, [node.offset, end(node)], written);
}

function remove(text: string, path: ConfigPath): string {
  let node = treeOf(text);
  let property: Node | undefined;
  for (const key of path) {
    property = node === undefined ? undefined : lastProperty(node, key);
    node = property?.children?.[1];
  }
  const object = property?.parent;
  if (property === undefined || object === undefined) return text;
  const range = wholeLines(text, [property.offset, end(property)]);
  const after = commaIn(text, [end(property), end(object)]);
  if (after !== undefined) return replace(text, wholeLines(text, [property.offset, after + 1]), "");
  const before = previousTo(object, property);
  const comma = before === undefined ? undefined : commaIn(text, [end(before), property.offset]);
  const without = replace(text, range, "");
  return comma === undefined ? without : replace(without, [comma, comma + 1], "");
}

type Range = readonly [start: number, end: number];

function treeOf(text: string): Node | undefined {
  return parseTree(text, [], { allowTrailingComma: true });
}

/** Of several with one name, the one that counts for whoever reads the file. */
function lastProperty(object: Node, key: string): Node | undefined {
  if (object.type !== "object") return undefined;
  return object.children?.findLast((property) => property.children?.[0]?.value === key);
}

/** After the last property, in the style of the object: on a line of its own, or on the one line that there is. */
function insertProperty(text: string, object: Node, [key, value]: readonly [string, unknown]): string {
  const eol = lineEnding(text);
  const close = end(object) - 1;
  const last = object.children?.at(-1);
  const comma = last === undefined ? undefined : commaIn(text, [end(last), close]);
  const at = lastTokenEnd(text, [object.offset + 1, close]);
  const oneLine = last !== undefined && !text.slice(object.offset, close).includes("\n");
  const outer = indentAt(text, object.offset);
  const indent = last === undefined ? outer + indentUnit(text) : indentAt(text, last.offset);
  const property = `${JSON.stringify(key)}: ${oneLine ? inline(value) : stringify(text, value, indent)}`;
  // An object without properties may hold nothing but blanks, which then go.
  const tail = text.slice(at, close).includes("\n") && last !== undefined ? text.slice(at, close) : `${eol}${outer}`;
  const inner = oneLine ? ` ${property}${text.slice(at, close)}` : `${eol}${indent}${property}${tail}`;
  const withProperty = replace(text, [at, close], inner);
  if (last === undefined || comma !== undefined) return withProperty;
  return replace(withProperty, [end(last), end(last)], ",");
}

function stringify(text: string, value: unknown, indent: string): string {
  return JSON.stringify(value, null, indentUnit(text)).replaceAll("\n", lineEnding(text) + indent);
}

/** On one line, spaced as a person would. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (!isTable(value)) return JSON.stringify(value);
  const properties = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${inline(inner)}`);
  return properties.length === 0 ? "{}" : `{ ${properties.join(", ")} }`;
}

/** The indentation of the first line that has one. */
function indentUnit(text: string): string {
  return /^([ \t]+)\S/mu.exec(text)?.[1] ?? "  ";
}

/** The blanks with which the line begins that `offset` is on. */
function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^[ \t]*/u.exec(line)?.[0] ?? "";
}

function commaIn(text: string, [from, to]: Range): number | undefined {
  for (const { token, offset } of tokensIn(text, [from, to])) if (token === ",") return offset;
  return undefined;
}

/** The end of the last token or comment; where there is none, the beginning. */
function lastTokenEnd(text: string, [from, to]: Range): number {
  let last = from;
  for (const { token, offset } of tokensIn(text, [from, to])) {
    if (token.trim() !== "") last = offset + token.length;
  }
  return last;
}

function* tokensIn(text: string, [from, to]: Range) {
  const scanner = createScanner(text.slice(from, to), false);
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    const offset = from + scanner.getTokenOffset();
    yield { token: text.slice(offset, offset + scanner.getTokenLength()), offset };
  }
}

function previousTo(object: Node, property: Node): Node | undefined {
  return object.children?.[object.children.indexOf(property) - 1];
}

/** The range with its lines, where there is nothing else on them. */
function wholeLines(text: string, [start, stop]: Range): Range {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = text.indexOf("\n", stop);
  const alone = lineEnd !== -1 && text.slice(lineStart, start).trim() === "" && text.slice(stop, lineEnd).trim() === "";
  return alone ? [lineStart, lineEnd + 1] : [start, stop];
}

function replace(text: string, [start, stop]: Range, by: string): string {
  return text.slice(0, start) + by + text.slice(stop);
}

function end({ offset, length }: Node): number {
  return offset + length;
}
