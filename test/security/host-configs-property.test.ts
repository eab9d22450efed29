// Proves that no text in a host's config file makes us crash, hang, start a program or write what was not asked for.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import { isTable, valueAt } from "../../src/chat-host/config-format.js";
import type { Document } from "../../src/chat-host/document.js";
import { editEntry } from "../../src/chat-host/edit.js";
import { describeDifference, entryWith, serverCommand } from "../../src/chat-host/entry.js";
import { hostNames, type ChatHost, type Surroundings } from "../../src/chat-host/host.js";
import { hosts } from "../../src/chat-host/hosts.js";
import { judge, registrationsOf } from "../../src/chat-host/registration.js";
import { trialOf } from "../../src/chat-host/trial.js";
import { serveFlags } from "../../src/surface/serve-flags.js";

const numRuns = Number(process.env["PYRO_PROPERTY_RUNS"] ?? 150);
const script = "/opt/pyro/pyro.js";
const server = serverCommand(process.execPath, script, { PYRO_HOME: "/srv/h" });
const surroundings: Surroundings = {
  env: { HOME: "/u" },
  home: "/u",
  cwd: "/u/p",
  project: "/u/p",
  repository: "/u/p",
};

const word = fc.constantFrom(
  ...[process.execPath, script, "mcp", "serve", "--mode", "inspect", "--allow-host-path", "/", "-e", "--profile=x"],
  ...[
    "__proto__",
    "constructor",
    "",
    "\u0000",
    "\u001b[2J",
    "../..",
    "--repo-url",
    "https://a:b@c/d",
    "local",
    "stdio",
  ],
);
const leaf = fc.oneof(
  word,
  fc.string(),
  fc.boolean(),
  fc.double(),
  fc.constant(null),
  fc.array(word, { maxLength: 8 }),
);
const key = fc.constantFrom(
  ...["command", "args", "env", "environment", "type", "url", "cwd", "enabled", "env_vars", "__proto__", "constructor"],
);
const entry = fc.oneof(
  leaf,
  fc.dictionary(key, fc.oneof(leaf, fc.dictionary(fc.oneof(key, word), leaf, { maxKeys: 4 }))),
);

/** What every object of this process has; a key such as __proto__ could add to it. */
const inherited = () => Object.getOwnPropertyNames(Object.prototype).toSorted();
const atFirst = inherited();

/** A whole file with an entry of ours in it. */
function fileOf({ format }: ChatHost, keys: readonly string[], value: unknown): string {
  try {
    return format.set("", keys, value);
  } catch {
    return JSON.stringify(value) ?? "";
  }
}

/** Bytes go, come and are doubled: most of it is broken, some of it is not what it was. */
const damage = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(6),
    insert: fc.oneof(word, fc.string({ maxLength: 4 })),
  }),
  { maxLength: 4 },
);

function damaged(text: string, damages: readonly { at: number; remove: number; insert: string }[]): string {
  return damages.reduce((now, { at, remove, insert }) => {
    const index = Math.floor(at * now.length);
    return now.slice(0, index) + insert + now.slice(index + remove);
  }, text);
}

/** What went wrong, a few words each. */
async function faultsOf(host: ChatHost, text: string): Promise<readonly string[]> {
  const place = host.places(surroundings).find(({ scope }) => scope === "project");
  const parsed = host.format.parse(text);
  if (place === undefined || parsed.kind === "broken") return [];
  const ours = isTable(parsed.value) ? valueAt(parsed.value, place.keys) : undefined;
  if (ours === undefined) return [];
  const document: Document = {
    ...{ place, value: parsed.value, entry: ours },
    file: { path: place.path, text, hasByteOrderMark: false, ownership: undefined },
  };
  const [registration] = registrationsOf(host, [document]);
  if (registration === undefined) return [];
  const { launch, differences } = await judge(host, registration, { server, serveFlags });
  for (const difference of differences) describeDifference(difference);
  const context = { host, surroundings, server, serveFlags };
  const trial = launch === undefined ? undefined : await trialOf(context, registration, launch);
  const started = trial?.launch === undefined || isOurs(trial.launch) ? [] : [`starts ${JSON.stringify(trial.launch)}`];
  try {
    const { kind } = host.format.parse(editEntry(host.format, text, { place, differences }));
    return kind === "parsed" ? started : [...started, "was broken by an edit"];
  } catch (error) {
    const { code, message } = asPyroError(error);
    return code === "failed_precondition" ? started : [...started, `${code}: ${message}`];
  }
}

function isOurs(launch: NonNullable<Awaited<ReturnType<typeof trialOf>>["launch"]>): boolean {
  const { command: node, args: own } = entryWith(server, []);
  const words = [launch.command, ...launch.args];
  const expected = [node, ...own];
  return (
    launch.cwd === "/u/p" &&
    expected.every((word, index) => words[index] === word) &&
    words.slice(expected.length).every((word) => /^(?:--(?:mode|profile)|[a-z-]+)$/u.test(word)) &&
    Object.keys(launch.environment).every((name) => /^(?:HOME|PYRO_HOME|CLAUDECODE|AGENT|OPENCODE)$/u.test(name))
  );
}

test.each(hostNames)("%s: any entry, and any damage to its file, is judged without harm", async (name) => {
  const host = hosts[name];
  const [place] = host.places(surroundings);
  await fc.assert(
    fc.asyncProperty(entry, damage, async (value, damages) => {
      expect(await faultsOf(host, damaged(fileOf(host, place?.keys ?? [], value), damages))).toEqual([]);
      expect(inherited()).toEqual(atFirst);
    }),
    { numRuns, seed: process.env["PYRO_PROPERTY_RUNS"] === undefined ? 7 : Date.now() },
  );
});

test("a TOML key that names the prototype of all objects is refused with its place, and changes none", () => {
  const texts = [
    "[__proto__]\nx = 1",
    "__proto__.x = 1",
    "[a.__proto__]\nx = 1",
    'b = 1\n["__proto__"]\nx = 1',
    "c = { __proto__.x = 1 }",
  ];
  const parsed = texts.map((text) => hosts.codex.format.parse(text));
  expect(parsed.map((each) => (each.kind === "broken" ? each.problem.line : "parsed"))).toEqual([1, 1, 1, 2, 1]);
  expect(inherited()).toEqual(atFirst);
  expect(hosts.codex.format.parse('a = "__proto__"').kind).toBe("parsed");
});

test.each(hostNames)("%s: nesting without end is a broken file, and a large one is done at once", (name) => {
  const { format } = hosts[name];
  const deep = [
    ...["[".repeat(300_000), '{"a":'.repeat(200_000), `a = ${"[".repeat(200_000)}`, `a = ${"{b=".repeat(100_000)}`],
    ...[`${"a.".repeat(100_000)}a = 1`, `[${"a.".repeat(100_000)}a]`, "/*".repeat(200_000), "\n".repeat(900_000)],
  ];
  const kinds = deep.map((text) => format.parse(text).kind);
  expect(kinds.filter((kind) => kind !== "broken" && kind !== "parsed")).toEqual([]);
});
