// Proves that changing our entry in a host's config file keeps every other byte, whatever the file looks like.
import {
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  letrec,
  oneof,
  property,
  string,
  tuple,
  uniqueArray,
} from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { isTable, valueAt, withValueAt, type ConfigFormat } from "../../../src/chat-host/config-format.js";
import { jsonWithComments, strictJson } from "../../../src/chat-host/json-config.js";
import { toml } from "../../../src/chat-host/toml-config.js";

const entry = { type: "local", command: ["/usr/bin/node", "/p/pyro.js"], environment: { PYRO_HOME: "/h" } };

interface Case {
  readonly before: string;
  readonly after: string;
}

const additions: readonly Case[] = [
  { before: '{"a":1}', after: '{"a":1, "mcp": { "pyro": { "x": 1 } }}' },
  { before: '{ "a": 1, }', after: '{ "a": 1, "mcp": { "pyro": { "x": 1 } } }' },
  {
    before: '// top\n{\n\t"mcp": {\n\t\t"a": 1 // of a\n\t\t/* end */\n\t}\n}\n// tail',
    after:
      '// top\n{\n\t"mcp": {\n\t\t"a": 1, // of a\n\t\t/* end */\n\t\t"pyro": {\n\t\t\t"x": 1\n\t\t}\n\t}\n}\n// tail',
  },
  {
    before: '{\r\n  "mcp": {},\r\n  "b": 2,\r\n}\r\n',
    after: '{\r\n  "mcp": {\r\n    "pyro": {\r\n      "x": 1\r\n    }\r\n  },\r\n  "b": 2,\r\n}\r\n',
  },
  {
    before: '{\n  "mcp": {\n    // none yet\n  }\n}\n',
    after: '{\n  "mcp": {\n    // none yet\n    "pyro": {\n      "x": 1\n    }\n  }\n}\n',
  },
  { before: "// nothing\n", after: '// nothing\n{\n  "mcp": {\n    "pyro": {\n      "x": 1\n    }\n  }\n}\n' },
];

test("a value keeps to its line, or to its lines", () => {
  const set = (text: string) => jsonWithComments.set(text, ["a"], ["x", { b: 1 }]);
  expect(set('{ "a": [1, 2], "c": 3 }')).toBe('{ "a": ["x", { "b": 1 }], "c": 3 }');
  expect(set('{\n  "a": [\n    1\n  ]\n}')).toBe('{\n  "a": [\n    "x",\n    {\n      "b": 1\n    }\n  ]\n}');
});

test.each(additions)("an entry is added to $before", ({ before, after }) => {
  expect(jsonWithComments.set(before, ["mcp", "pyro"], { x: 1 })).toBe(after);
});

const tomlChanges: readonly (Case & { readonly path: readonly string[] })[] = [
  {
    path: ["mcp_servers", "pyro", "command"],
    before: '# a\n[mcp_servers.pyro] # b\ncommand = "old" # c\n\n# d\n[x]\n',
    after: '# a\n[mcp_servers.pyro] # b\ncommand = "v" # c\n\n# d\n[x]\n',
  },
  {
    path: ["mcp_servers", "pyro", "env", "PYRO_HOME"],
    before: "[mcp_servers.pyro]\r\nargs = [] # c\r\n[mcp_servers.pyro.env]\r\n# none\r\n[x]\r\n",
    after: '[mcp_servers.pyro]\r\nargs = [] # c\r\n[mcp_servers.pyro.env]\r\nPYRO_HOME = "v"\r\n# none\r\n[x]\r\n',
  },
  {
    path: ["mcp_servers", "pyro", "env", "PYRO_HOME"],
    before: "mcp_servers = { pyro = { command = 'a' } }",
    after: "mcp_servers = { pyro = { command = 'a', env = { PYRO_HOME = \"v\" } } }",
  },
  {
    path: ["mcp_servers", "pyro", "command"],
    before: "mcp_servers.pyro.args = [ # c\n  1,\n]\n[x]\na = 1",
    after: 'mcp_servers.pyro.args = [ # c\n  1,\n]\nmcp_servers.pyro.command = "v"\n[x]\na = 1',
  },
  {
    path: ["mcp_servers", "pyro", "command"],
    before: "[[hooks]]\nx = 1",
    after: '[[hooks]]\nx = 1\n\n[mcp_servers.pyro]\ncommand = "v"\n',
  },
];

test.each(tomlChanges)("$path is set in $before", ({ path, before, after }) => {
  expect(toml.set(before, path, "v")).toBe(after);
});

test("a key is removed with its line, and with its comma", () => {
  expect(toml.remove('[a]\n# k\nurl = "x" # c\nb = 1\n', ["a", "url"])).toBe("[a]\n# k\nb = 1\n");
  expect(toml.remove('a = { url = "x", b = 1 }\n', ["a", "url"])).toBe("a = { b = 1 }\n");
  expect(jsonWithComments.remove('{"a": {"b": 1, "url": 2}}', ["a", "url"])).toBe('{"a": {"b": 1 }}');
  expect(jsonWithComments.remove('{\n  "url": 2, // c\n  "b": 1\n}', ["url"])).toBe('{\n   // c\n  "b": 1\n}');
  expect(strictJson.remove('{"url": 2}', ["url"])).toBe("{}");
});

test("what cannot be parsed has its line and column", () => {
  const broken = (format: ConfigFormat, text: string) => format.parse(text);
  expect([
    broken(strictJson, '{\n  "a": 1, // c\n}'),
    broken(strictJson, ""),
    broken(jsonWithComments, '{ "a": 1,\n  "b" }'),
    broken(toml, "a = 1\nb = [\n"),
    broken(toml, "[a]\nx = 1\n[a]\n"),
    broken(strictJson, "[".repeat(100_000)).kind,
    broken(toml, `a = ${"[".repeat(100_000)}`).kind,
  ]).toEqual([
    { kind: "broken", problem: { line: 2, column: 11, message: "invalid comment token" } },
    { kind: "broken", problem: { line: 1, column: 1, message: "value expected" } },
    { kind: "broken", problem: { line: 2, column: 7, message: "colon expected" } },
    { kind: "broken", problem: { line: 3, column: 1, message: expect.any(String) } },
    { kind: "broken", problem: { line: 3, column: 2, message: expect.any(String) } },
    "broken",
    "broken",
  ]);
  expect(jsonWithComments.parse("  ")).toEqual({ kind: "parsed", value: {} });
});

const words = constantFrom("a", "b c", "mcp", "pyro", "", "ü", 'q"', "url");
const leaf = oneof(string(), integer(), boolean());
const blank = constantFrom("", " ", "\n", "\n  ", "\t", "\r\n", " // c }\n", "/* { */");

/** JSON text of an object with blanks and comments anywhere, and our entry in it or not. */
const jsonText = tuple(
  letrec<{ object: string; value: string }>((tie) => ({
    value: oneof(
      { maxDepth: 3 },
      leaf.map((each) => JSON.stringify(each)),
      array(leaf).map((each) => JSON.stringify(each)),
      tie("object"),
    ),
    object: tuple(
      uniqueArray(tuple(words, blank, blank, tie("value"), blank), {
        maxLength: 4,
        selector: ([name]) => name,
      }),
      blank,
      boolean(),
    ).map(([properties, end, trailing]) => {
      const inner = properties.map(([name, a, b, value, c]) => `${a}${JSON.stringify(name)}${b}:${value}${c}`);
      return `{${inner.join(",")}${trailing && inner.length > 0 ? "," : ""}${end}}`;
    }),
  })).object,
  blank,
  blank,
).map(([object, before, after]) => `${before}${object}${after}`);

test("in any JSON text, setting a value changes that value alone, and keeps every character of the rest", () => {
  assert(
    property(jsonText, constantFrom(["mcp", "pyro"], ["mcp", "pyro", "url"], ["pyro"]), (text, path) => {
      const parsed = jsonWithComments.parse(text);
      if (parsed.kind === "broken") throw new Error(`${JSON.stringify(text)}: ${parsed.problem.message}`);
      if (!isReachable(parsed.value, path)) return;
      const edited = jsonWithComments.set(text, path, entry);
      const after = jsonWithComments.parse(edited);
      if (after.kind === "broken") throw new Error(`${JSON.stringify(edited)}: ${after.problem.message}`);
      expect(isDeepStrictEqual(sorted(after.value), sorted(withValueAt(parsed.value, path, entry)))).toBe(true);
      const isNew = valueAt(parsed.value, path) === undefined;
      expect(isSubsequence(isNew ? withoutBlanks(text) : "", edited)).toBe(true);
      const removed = jsonWithComments.parse(jsonWithComments.remove(edited, path));
      if (removed.kind === "broken") throw new Error(`${JSON.stringify(edited)}: ${removed.problem.message}`);
      expect(sorted(removed.value)).toEqual(sorted(withValueAt(after.value, path, undefined)));
    }),
    { numRuns: 500 },
  );
});

const tomlKey = constantFrom("a", "b-c", '"q r"', "'l'", "env", "url");
const tomlValue = oneof(
  constantFrom(
    "1",
    "true",
    "'raw'",
    '"""\nmulti\n[mcp_servers.pyro]\n"""',
    "[1, 2] # c",
    "1979-05-27",
    "[\n 1, # c\n]",
  ),
);
const tomlLines = uniqueArray(tuple(tomlKey, tomlValue), { maxLength: 4, selector: ([key]) => key }).map((pairs) =>
  pairs.map(([key, value]) => `${key} = ${value}\n`).join(""),
);
const tomlText = tuple(
  tomlLines,
  uniqueArray(
    tuple(
      constantFrom("x", "mcp_servers.other", "mcp_servers.pyro", "mcp_servers.pyro.env2", " mcp_servers . 'z' "),
      tomlLines,
      constantFrom("", " # c", "\n# d"),
    ),
    { maxLength: 4, selector: ([name]) => name },
  ),
).map(([top, tables]) => top + tables.map(([name, lines, c]) => `[${name}]${c}\n${lines}\n`).join(""));

test("in any TOML text, setting a value changes that value alone, and keeps every character of the rest", () => {
  const paths = [
    ["mcp_servers", "pyro", "command"],
    ["mcp_servers", "pyro", "env", "PYRO_HOME"],
    ["mcp_servers", "pyro", "url"],
  ];
  assert(
    property(tomlText, constantFrom(...paths), (text, path) => {
      const parsed = toml.parse(text);
      if (parsed.kind === "broken") throw new Error(`${text}: ${parsed.problem.message}`);
      if (!isReachable(parsed.value, path)) return;
      const edited = toml.set(text, path, "v");
      const after = toml.parse(edited);
      if (after.kind === "broken") throw new Error(`${edited}: ${after.problem.message}`);
      expect(isDeepStrictEqual(sorted(after.value), sorted(withValueAt(parsed.value, path, "v")))).toBe(true);
      const isNew = valueAt(parsed.value, path) === undefined;
      expect(isSubsequence(isNew ? text : "", edited)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

function isReachable(value: unknown, path: readonly string[]): boolean {
  return path.every((_, depth) => {
    const above = valueAt(value, path.slice(0, depth));
    return above === undefined || isTable(above);
  });
}

/** An object that had nothing but blanks in it may lose them. */
function withoutBlanks(text: string): string {
  return text.replaceAll(/\s+/gu, "");
}

function isSubsequence(short: string, long: string): boolean {
  let at = 0;
  for (const character of long) if (character === short[at]) at += 1;
  return at === short.length;
}

/** Order of keys does not count. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isTable(value)) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
